"""What is told wrong on purpose is exactly what the result says, and nothing else changes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.collector import Collector
from simtraffic.errors import ScenarioError
from simtraffic.runner import plan
from simtraffic.runner.emission import emitter_of
from simtraffic.scenario import Scenario, parse_scenario
from simtraffic.signals import Form
from tests.asking import run_with
from tests.told import RICH, setup

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult

FORMS: tuple[Form, ...] = ("protobuf", "json")
START = "2026-01-01T00:00:00Z"
START_NS = 1_767_225_600_000_000_000
SECOND_NS = 1_000_000_000


def imperfect(*lines: str, text: str = RICH) -> str:
    return text + "imperfections:\n" + "".join(f"  {line}\n" for line in lines)


def told(text: str, **options: Any) -> tuple[RunResult, Collector]:
    """A run's result and the collector that keeps what came."""
    with Collector(keep=True) as collector:
        result = run_with(
            parse_scenario(text),
            **{"endpoint": collector.grpc_endpoint, "speed": "max", "start": START, **options},
        )
    assert result.exit_code == 0, result.reasons
    for signal, items in zip(result.signals, ("spans", "data_points", "log_records"), strict=True):
        each = result.signals[signal]
        assert each.generated == each.accepted == getattr(collector.counts(), items)
    return result, collector


@pytest.fixture(scope="module", autouse=True)
def same_ids() -> Iterator[None]:
    """Ids follow from everything that a scenario says; here they are those of the calm one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scenario, "digest", property(lambda _scenario: "the same"))
        yield


@pytest.fixture(scope="module")
def calm() -> tuple[RunResult, Collector]:
    return told(RICH)


def ids(collector: Collector) -> Counter[bytes]:
    return Counter(span.span_id for span in collector.spans())


def roots(collector: Collector) -> int:
    return sum(not span.parent_span_id for span in collector.spans())


def points(collector: Collector) -> dict[tuple[str, str, bytes], list[Any]]:
    """The points of every series in order of arrival: instance, metric, attributes."""
    found: dict[tuple[str, str, bytes], list[Any]] = defaultdict(list)
    for request in collector.requests("metrics"):
        for resource in request.resource_metrics:
            attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    key = b"".join(sorted(a.SerializeToString() for a in point.attributes))
                    found[attributes["service.instance.id"], metric.name, key].append(point)
    return found


def test_without_any_the_result_does_not_speak_of_them(calm: tuple[RunResult, Collector]) -> None:
    result, _ = calm

    assert result.imperfections is None
    assert "imperfections" not in result.to_dict()


def test_roots_that_are_missing_are_counted(calm: tuple[RunResult, Collector]) -> None:
    result, collector = told(imperfect("missing_roots: 20%"))

    assert result.imperfections is not None
    missing = result.imperfections["missing_roots"]
    assert missing > 50
    assert roots(collector) == roots(calm[1]) - missing
    assert result.signals["traces"].generated == calm[0].signals["traces"].generated - missing
    assert result.signals["logs"].generated == calm[0].signals["logs"].generated
    assert result.traffic == calm[0].traffic


def test_what_is_encoded_and_not_handed_over_is_not_counted() -> None:
    run = setup(imperfect("missing_roots: 20%", "duplicate_ids: 10%"))
    emitter = emitter_of(run, FORMS)
    assert emitter.imperfect is not None
    frames = emitter.frames(run.simulator.simulate_blocks(run.blocks()))

    emitter.warm_up(frames, "json")
    for form in FORMS:
        assert list(emitter.records(frames, form))
    assert not emitter.imperfect.counts.total()

    emitter.book(frames)

    assert emitter.imperfect.counts["missing_roots"] > 50
    assert emitter.imperfect.counts["duplicate_ids"] > 100


def test_ids_that_are_told_twice_are_counted(calm: tuple[RunResult, Collector]) -> None:
    result, collector = told(imperfect("duplicate_ids: 10%"))

    assert result.imperfections is not None
    twice = [times for times in ids(collector).values() if times == 2]
    assert len(twice) == result.imperfections["duplicate_ids"] > 100
    assert len(ids(collector)) == len(ids(calm[1]))
    # The same span, not another with its id.
    assert len({span.SerializeToString() for span in collector.spans()}) == len(ids(collector))


@pytest.mark.long
def test_attributes_that_are_oversize_are_counted() -> None:
    for options in ({}, {"protocol": "http/json"}):
        with Collector(keep=True) as collector:
            endpoint = collector.http_endpoint if options else collector.grpc_endpoint
            result = run_with(
                parse_scenario(imperfect("oversize_attributes: {share: 5%, bytes: 10KB}")),
                speed="max",
                start=START,
                endpoint=endpoint,
                **options,
            )
        large = [
            len(attribute.value.string_value)
            for span in collector.spans()
            for attribute in span.attributes
            if attribute.key == "simtraffic.filler"
        ]
        assert result.exit_code == 0
        assert result.imperfections is not None
        assert len(large) == result.imperfections["oversize_attributes"] > 20
        assert set(large) == {10_000}


# Slow enough that a busy machine is no later than what is late on purpose.
@pytest.mark.parametrize("speed", ["max", pytest.param(5, marks=pytest.mark.long)])
def test_spans_that_are_late_come_after_later_ones_and_keep_their_times(
    calm: tuple[RunResult, Collector], speed: object
) -> None:
    result, collector = told(
        imperfect("late_spans: {share: 10%, by: 5s}"),
        speed=speed,
    )

    assert result.imperfections is not None
    late = result.imperfections["late_spans"]
    assert 100 < late < 400
    assert ids(collector) == ids(calm[1])
    if speed == "max":
        # A step of simulated time is told together, in no order of its own.
        return
    newest, behind = 0, 0
    for span in collector.spans():
        newest = max(newest, span.end_time_unix_nano)
        behind += newest - span.end_time_unix_nano > 4 * SECOND_NS
    # Those at the very end have no later one before them.
    assert 0.5 * late < behind <= late


def test_clocks_of_instances_are_off_by_as_much_as_they_may(
    calm: tuple[RunResult, Collector],
) -> None:
    _, collector = told(imperfect("clock_skew: 3s"))

    def starts(which: Collector) -> dict[bytes, tuple[str, int]]:
        return {
            span.span_id: (
                next(
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.instance.id"
                ),
                span.start_time_unix_nano,
            )
            for request in which.requests("traces")
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }

    true, off = starts(calm[1]), starts(collector)
    by_instance = defaultdict(set)
    for span_id, (instance, at_ns) in off.items():
        by_instance[instance].add(at_ns - true[span_id][1])
    assert len(by_instance) == 2
    offsets = {instance: skew for instance, (skew,) in by_instance.items()}
    assert all(0 < abs(skew) <= 3 * SECOND_NS for skew in offsets.values())
    assert len(set(offsets.values())) == 2
    for (instance, _, _), series in points(collector).items():
        assert min(p.time_unix_nano for p in series) >= START_NS + offsets[instance]


@pytest.mark.long
def test_points_that_are_missing_or_out_of_order_are_counted(
    calm: tuple[RunResult, Collector],
) -> None:
    short = RICH.replace("interval: 5s", "interval: 500ms")
    whole, all_points = told(short)
    result, collector = told(
        imperfect("missing_points: 10%", "out_of_order_points: 10%", text=short)
    )

    assert result.imperfections is not None
    missing = result.imperfections["missing_points"]
    assert missing > 0
    assert result.signals["metrics"].generated == whole.signals["metrics"].generated - missing
    behind = 0
    for series in points(collector).values():
        times = [point.time_unix_nano for point in series]
        behind += sum(later < before for before, later in pairwise(times))
    assert 0 < behind <= result.imperfections["out_of_order_points"]
    # Those that were told are the true ones.
    known = {
        (key, point.SerializeToString())
        for key, found in points(all_points).items()
        for point in found
    }
    assert all(
        (key, point.SerializeToString()) in known
        for key, found in points(collector).items()
        for point in found
    )


def test_counters_that_begin_anew_are_counted_and_add_up(
    calm: tuple[RunResult, Collector],
) -> None:
    result, collector = told(imperfect("counter_resets: 8s"))

    assert result.imperfections is not None
    resets = result.imperfections["counter_resets"]
    assert resets >= 4
    name = "http.server.request.duration"

    def total(which: Collector) -> int:
        """What a reader that understands resets adds up to."""
        found = 0
        for (_, metric, _), series in points(which).items():
            if metric == name:
                lives = {point.start_time_unix_nano: point.count for point in series}
                found += sum(lives.values())
        return found

    starts = {
        (key[0], point.start_time_unix_nano)
        for key, series in points(collector).items()
        if key[1] == name
        for point in series
    }
    assert len({start for _, start in starts}) > 2
    assert total(collector) == total(calm[1]) == result.schedule.generated


ALL = (
    "late_spans: {share: 5%, by: 3s}",
    "missing_roots: 5%",
    "duplicate_ids: 5%",
    "clock_skew: 2s",
    "oversize_attributes: {share: 2%, bytes: 2KB}",
    "out_of_order_points: 20%",
    "missing_points: 10%",
    "counter_resets: 7s",
)


@pytest.mark.long
def test_all_together_repeat_and_do_not_depend_on_shards() -> None:
    text = imperfect(*ALL)
    spans = [Counter(s.SerializeToString() for s in told(text)[1].spans()) for _ in range(2)]
    together: Counter[bytes] = Counter()
    counts: Counter[str] = Counter()
    for shard in ("1/2", "2/2"):
        result, collector = told(text, shard=shard)
        together.update(s.SerializeToString() for s in collector.spans())
        counts.update(result.imperfections or {})

    assert spans[0] == spans[1] == together
    whole, _ = told(text)
    assert whole.imperfections is not None
    for name in ("late_spans", "missing_roots", "duplicate_ids", "oversize_attributes"):
        assert counts[name] == whole.imperfections[name] > 0, name


def test_the_plan_foresees_them() -> None:
    scenario = parse_scenario(imperfect(*ALL))

    expected, (result, _) = plan(scenario), told(imperfect(*ALL))

    for signal in ("traces", "logs"):
        # Which rows are hit follows from ids, which differ with the start.
        found, foreseen = result.signals[signal].generated, expected.signals[signal].generated
        assert abs(found - foreseen) < 0.05 * found


def test_wrong_ones_are_faults_with_their_place() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(imperfect("missing_root: 1%", "late_spans: {share: 2%}", "clock_skew: 3"))

    said = str(caught.value)
    assert "imperfections.missing_root" in said
    assert "missing_roots" in said
    assert "imperfections.late_spans" in said
    assert "duration without a unit" in said

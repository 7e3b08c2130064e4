"""What is told wrong on purpose is what the result says, to the last span and point.

The judge decodes what left with the official classes, knows the calm run of the same ids, and
counts by itself.
"""

from __future__ import annotations

import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import strategies as st

from simtraffic.collector import Collector
from simtraffic.errors import ScenarioError
from simtraffic.otlp.imperfect import KINDS
from simtraffic.runner import RunOptions, StopSignal, plan, run
from simtraffic.runner.full_speed import full_speed
from simtraffic.runner.playback import Playback
from simtraffic.runner.real_time import TICK_NS, real_time
from simtraffic.runner.setup import Setup
from simtraffic.scenario import Scenario, parse_scenario
from simtraffic.signals import Chunk, Form
from tests.examples import examples
from tests.told import REQUESTS, RICH

if TYPE_CHECKING:
    from simtraffic.clock import Flag

START = "2026-01-01T00:00:00Z"
START_NS = 1_767_225_600_000_000_000
SECOND_NS = 1_000_000_000
DRAIN_NS = 300 * SECOND_NS
LATE_NS = 5 * SECOND_NS
SKEW_NS = 3 * SECOND_NS
BRIEF = (
    RICH.replace("duration: 20s, rate: 25/s", "duration: 8s, rate: 20/s")
    .replace("interval: 5s", "interval: 1s")
    .replace("[gen_ai, llm]", "[gen_ai, llm, simtraffic]")
)
SPAN_KINDS = KINDS[:5]


@pytest.fixture(scope="module", autouse=True)
def same_ids() -> Iterator[None]:
    """Ids follow from everything that a scenario says; here they are those of the calm run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scenario, "digest", property(lambda _scenario: "the same"))
        yield


class SteppedClock:
    """Time passes only while it is waited for."""

    factor = 1.0

    def __init__(self) -> None:
        self.now_ns = 0

    def restart(self) -> None:
        self.now_ns = 0

    def elapsed_ns(self) -> int:
        return self.now_ns

    def wait_until(self, elapsed_ns: int, stop: Flag) -> None:
        self.now_ns = max(self.now_ns, elapsed_ns)


@dataclass
class Told:
    """An outlet that keeps everything, with the time at which it was handed over."""

    clock: SteppedClock = field(default_factory=SteppedClock)
    chunks: list[tuple[int, Chunk]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    lateness: float | None = None
    fatal: str | None = None
    history: int = 0
    """Chunks that came before a clock ran."""

    def form(self, signal: str) -> Form:
        return "protobuf"

    def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
        self.chunks.append((self.clock.now_ns, chunk))

    def resources(self, signal: str) -> Iterator[tuple[int, str, Any]]:
        """Handed over when, by which instance, and what was in it."""
        for at_ns, chunk in self.chunks:
            if chunk.signal != signal:
                continue
            request = REQUESTS[signal].FromString(chunk.payload)
            for resource in getattr(request, request.DESCRIPTOR.fields[0].name):
                named = {a.key: a.value.string_value for a in resource.resource.attributes}
                yield at_ns, named["service.instance.id"], resource

    def spans(self) -> Iterator[tuple[int, str, Any]]:
        for at_ns, instance, resource in self.resources("traces"):
            for scope in resource.scope_spans:
                yield from ((at_ns, instance, span) for span in scope.spans)

    def points(self) -> Iterator[tuple[str, Any, Any]]:
        """Instance, metric and point, in order."""
        for _, instance, resource in self.resources("metrics"):
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                data = getattr(metric, metric.WhichOneof("data"))
                yield from ((instance, metric, point) for point in data.data_points)

    def entries(self, signal: str) -> Counter[bytes]:
        """Spans or records, each with its resource's instance."""
        return Counter(
            instance.encode() + item.SerializeToString()
            for _, instance, resource in self.resources(signal)
            for scope in getattr(resource, resource.DESCRIPTOR.fields[1].name)
            for item in getattr(scope, scope.DESCRIPTOR.fields[1].name)
        )


def play(
    text: str,
    *lines: str,
    seed: int = 11,
    shard: str = "1/1",
    timed: bool = False,
    stop_at_ns: int | None = None,
) -> Told:
    """Play a scenario with these imperfections into memory."""
    if lines:
        text += "imperfections:\n" + "".join(f"  {line}\n" for line in lines)
    scenario = parse_scenario(text.replace("seed: 11", f"seed: {seed}"))
    setup = Setup.of(scenario, start=START, shard=shard)
    told, stop = Told(), StopSignal()
    playback = Playback.of(setup, [told], stop=stop, drain_ns=DRAIN_NS)
    counts, emitter = playback.counts, playback.emitter
    if stop_at_ns is not None:
        playback.watch = lambda: stop.request() if counts.elapsed_ns >= stop_at_ns else None
    if timed:
        real_time(playback, told.clock)  # type: ignore[arg-type]
    else:
        full_speed(playback)
    told.lateness = counts.lateness.quantile(1.0)
    told.counts = dict(emitter.imperfect.counts) if emitter.imperfect else {}
    for signal, entry in counts.ledger.signals.items():
        assert entry.generated == sum(c.count for _, c in told.chunks if c.signal == signal)
    return told


def late_by(told: Told, skew: dict[str, int]) -> Iterator[int]:
    """How long after its true end each span was handed over."""
    for at_ns, instance, span in told.spans():
        yield at_ns - (span.end_time_unix_nano - skew[instance] - START_NS)


def judged(calm: Told, told: Told, *, timed: bool) -> dict[str, int]:
    """The imperfections of spans and points, counted from what was handed over alone."""
    true = {span.span_id: span for _, _, span in calm.spans()}
    found = Counter[str](dict.fromkeys(KINDS, 0))
    times = Counter[bytes]()
    skews: dict[str, set[int]] = defaultdict(set)
    for _, instance, span in told.spans():
        times[span.span_id] += 1
        off = span.start_time_unix_nano - true[span.span_id].start_time_unix_nano
        assert off == span.end_time_unix_nano - true[span.span_id].end_time_unix_nano
        skews[instance].add(off)
        found["clock_skew"] += off != 0
        large = [a for a in span.attributes if a.key == "simtraffic.filler"]
        found["oversize_attributes"] += len(large)
        assert all(len(each.value.string_value) == 3000 for each in large)
    skew = {instance: offs.pop() for instance, offs in skews.items()}
    assert not any(skews.values()), "a clock has one skew"
    assert all(abs(off) <= SKEW_NS for off in skew.values())
    missing = true.keys() - times.keys()
    assert not any(true[span_id].parent_span_id for span_id in missing)
    assert set(times.values()) <= {1, 2}
    found["missing_roots"] = len(missing)
    found["duplicate_ids"] = sum(number == 2 for number in times.values())
    if timed:
        found["late_spans"] = sum(late >= TICK_NS for late in late_by(told, skew))
        assert all(0 <= late < TICK_NS or late >= LATE_NS for late in late_by(told, skew))
    newest: dict[str, int] = defaultdict(int)
    starts = set()
    here: set[tuple[str, int]] = set()
    for instance, metric, point in told.points():
        at_ns = point.time_unix_nano
        found["out_of_order_points"] += at_ns < newest[instance]
        newest[instance] = max(newest[instance], at_ns)
        here.add((instance, at_ns - skew[instance]))
        if metric.WhichOneof("data") != "gauge":
            starts.add((instance, point.start_time_unix_nano - skew[instance]))
        if metric.WhichOneof("data") == "histogram":
            for exemplar in point.exemplars:
                assert exemplar.time_unix_nano <= at_ns
                span = true.get(exemplar.span_id)
                assert span is None or exemplar.time_unix_nano in {
                    span.start_time_unix_nano + skew[instance],
                    span.end_time_unix_nano + skew[instance],
                }
    found["missing_points"] = sum(
        (instance, point.time_unix_nano) not in here for instance, _, point in calm.points()
    )
    found["counter_resets"] = len({each for each in starts if each[1] != START_NS})
    return dict(found)


# A smaller example of a failure says nothing more here, and looking for it takes minutes.
BRIEFLY = examples(
    6,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
SHARES = st.sampled_from(["0%", "5%", "50%", "100%"])


@BRIEFLY
@given(
    seed=st.integers(0, 10**6),
    shares=st.tuples(*[SHARES] * 6),
    timed=st.booleans(),
)
@example(seed=11, shares=("50%", "5%", "50%", "50%", "50%", "5%"), timed=True)
def test_the_counts_are_those_of_what_left(seed: int, shares: tuple[str, ...], timed: bool) -> None:
    late, roots, twice, large, swapped, gaps = shares
    calm = play(BRIEF, seed=seed, timed=timed)
    told = play(
        BRIEF,
        f"late_spans: {{share: {late}, by: 5s}}",
        f"missing_roots: {roots}",
        f"duplicate_ids: {twice}",
        "clock_skew: 3s",
        f"oversize_attributes: {{share: {large}, bytes: 3000B}}",
        f"out_of_order_points: {swapped}",
        f"missing_points: {gaps}",
        seed=seed,
        timed=timed,
    )

    found = judged(calm, told, timed=timed)
    if not timed:
        # At full speed there is no time at which something is handed over.
        found["late_spans"] = told.counts["late_spans"]
    assert found == told.counts
    # Whatever is wrong with spans, records lack nothing but the right time.
    assert sum(told.entries("logs").values()) == sum(calm.entries("logs").values())
    assert told.lateness == 0


@BRIEFLY
@given(
    seed=st.integers(0, 10**6),
    every=st.sampled_from(["700ms", "2s", "6s"]),
    gaps=SHARES,
)
def test_resets_are_counted_when_a_point_shows_them(seed: int, every: str, gaps: str) -> None:
    calm = play(BRIEF, f"counter_resets: {every}", seed=seed)
    told = play(
        BRIEF,
        f"counter_resets: {every}",
        f"missing_points: {gaps}",
        f"out_of_order_points: {gaps}",
        seed=seed,
    )

    for one in (calm, told):
        found = judged(calm, one, timed=False)
        assert found == one.counts


def test_what_all_lives_of_a_counter_add_up_to_is_the_truth() -> None:
    def totals(told: Told) -> Counter[str]:
        last: dict[Any, Any] = {}
        for instance, metric, point in told.points():
            kind = metric.WhichOneof("data")
            if kind == "gauge":
                continue
            value = point.count if kind == "histogram" else point.as_int
            series = b"".join(sorted(a.SerializeToString() for a in point.attributes))
            last[metric.name, instance, series, point.start_time_unix_nano] = value
        added = Counter[str]()
        for key, value in last.items():
            added[key[0]] += value
        return added

    calm, told = play(BRIEF), play(BRIEF, "counter_resets: 2s")

    assert told.counts["counter_resets"] > 4
    assert totals(told) == totals(calm)
    assert totals(calm)["llm.system.memory_usage"] > 0


@pytest.mark.long
def test_late_spans_do_not_hold_back_the_last_points() -> None:
    calm = play(BRIEF, timed=True)
    told = play(BRIEF, "late_spans: {share: 30%, by: 60s}", timed=True)

    def last(of: Told, signal: str) -> int:
        return max(at_ns for at_ns, chunk in of.chunks if chunk.signal == signal)

    assert last(told, "metrics") == last(calm, "metrics")
    assert last(told, "traces") >= last(calm, "traces") + 30 * SECOND_NS
    assert told.entries("traces") == calm.entries("traces")
    assert told.entries("metrics") == calm.entries("metrics")


def test_a_run_that_is_stopped_counts_only_what_was_late_by_then() -> None:
    told = play(BRIEF, "late_spans: {share: 40%, by: 5s}", timed=True, stop_at_ns=7 * SECOND_NS)

    skew = {instance: 0 for _, instance, _ in told.spans()}
    late = sum(late >= TICK_NS for late in late_by(told, skew))
    assert told.counts["late_spans"] == late > 0
    # Some are told before their end even: nothing waits any more.
    assert any(late < 0 for late in late_by(told, skew))


ALL = (
    "late_spans: {share: 10%, by: 5s}",
    "missing_roots: 10%",
    "duplicate_ids: 10%",
    "clock_skew: 3s",
    "oversize_attributes: {share: 5%, bytes: 3000B}",
    "out_of_order_points: 20%",
    "missing_points: 10%",
    "counter_resets: 3s",
)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_shards_and_speeds_tell_the_same_wrong_things(seed: int) -> None:
    whole = play(BRIEF, *ALL, seed=seed)
    timed = play(BRIEF, *ALL, seed=seed, timed=True)
    shards = [play(BRIEF, *ALL, seed=seed, shard=f"{k}/3") for k in (1, 2, 3)]

    for signal in ("traces", "logs"):
        assert timed.entries(signal) == whole.entries(signal)
        together = sum((each.entries(signal) for each in shards), Counter())
        assert together == whole.entries(signal)
    for kind in SPAN_KINDS:
        assert sum(each.counts[kind] for each in shards) == whole.counts[kind] > 0
        assert timed.counts[kind] == whole.counts[kind]
    again = play(BRIEF, *ALL, seed=seed)
    assert [chunk.payload for _, chunk in again.chunks] == [c.payload for _, c in whole.chunks]


@pytest.mark.long
def test_the_built_in_collector_finds_exactly_these() -> None:
    text = BRIEF + "imperfections: {missing_roots: 10%, duplicate_ids: 10%}\n"
    with Collector() as collector:
        result = run(
            parse_scenario(text),
            RunOptions(speed="max", start=START),
            endpoint=collector.grpc_endpoint,
        )
        faults = collector.counts().faults

    assert result.imperfections is not None
    assert faults == {
        "span id came twice in its trace": result.imperfections["duplicate_ids"],
        "parent span did not arrive in the same trace": result.imperfections["missing_roots"],
    }


@pytest.mark.long
def test_large_attributes_fill_no_memory() -> None:
    whole = 200_000 * sum(1 for _ in play(BRIEF).spans())
    sent = 0

    @dataclass
    class Forgets(Told):
        def submit(self, chunk: Chunk, *, block: bool, stop: Flag) -> None:
            nonlocal sent
            sent += chunk.proto_bytes

    text = BRIEF + "imperfections: {oversize_attributes: {share: 100%, bytes: 200KB}}\n"
    setup = Setup.of(parse_scenario(text), start=START)
    playback = Playback.of(setup, [Forgets()], drain_ns=DRAIN_NS)
    tracemalloc.start()
    try:
        full_speed(playback)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert sent >= whole > 80_000_000
    assert most < 40_000_000


@pytest.mark.long
def test_a_plan_from_samples_leaves_out_what_is_never_told() -> None:
    long = BRIEF.replace("duration: 8s", "duration: 2040s")

    calm = plan(parse_scenario(long)).signals
    gaps = plan(parse_scenario(long + "imperfections: {missing_points: 25%}\n")).signals
    roots = plan(parse_scenario(long + "imperfections: {missing_roots: 100%}\n")).signals

    assert gaps["metrics"].generated == round(0.75 * calm["metrics"].generated)
    assert gaps["metrics"].series == calm["metrics"].series
    assert gaps["metrics"].bytes == pytest.approx(0.75 * calm["metrics"].bytes, rel=1e-6)
    assert roots["traces"].generated < 0.8 * calm["traces"].generated
    assert roots["logs"].generated == calm["logs"].generated


def test_a_plan_knows_series_that_are_never_told() -> None:
    calm, told = (
        plan(parse_scenario(BRIEF + more)).signals["metrics"]
        for more in ("", "imperfections: {missing_points: 100%}\n")
    )

    assert told.series == calm.series
    assert told.generated == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("late_spans: {share: 5%, by: 0s}", "late_spans.by: no time at all"),
        (
            "oversize_attributes: {share: 5%, bytes: 0B}",
            "oversize_attributes.bytes: size out of range",
        ),
        (
            "oversize_attributes: {share: 5%, bytes: 1GB}",
            "oversize_attributes.bytes: size out of range",
        ),
        ("clock_skew: 366d", "clock_skew: too far off"),
    ],
)
def test_what_cannot_be_told_is_a_fault(line: str, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_scenario(BRIEF + f"imperfections:\n  {line}\n")

    assert f"imperfections.{problem}" in str(caught.value)

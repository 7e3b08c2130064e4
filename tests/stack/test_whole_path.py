"""simtraffic -> Collector -> Prometheus, Jaeger and logs: everything arrives, exactly once."""

from __future__ import annotations

import json
import subprocess
import sys
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from simtraffic.backends import commands
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Running
from simtraffic.backends.prometheus import Prometheus
from tests.real.conftest import written
from tests.real.programs import tool, wait_until
from tests.real.telemetry import requests_in
from tests.stack.live import LiveStack, by, only
from tools.stack.programs import CONFIG
from tools.stack.render import render

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

GEN_AI_PROVIDERS = {"google": "gcp.gemini"}
"""Words of gen_ai for the providers of this traffic, where they differ from the catalogue's."""

UNITS = {"traces": "spans", "metrics": "metric_points", "logs": "log_records"}
LLM_BUCKETS_MS = (10, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
GEN_AI_BUCKETS_S = tuple(0.01 * 2**n for n in range(14))


@dataclass(frozen=True)
class Told:
    """A run that was sent through the stack, and what it says of itself."""

    result: dict[str, Any]
    file: Path
    """Everything that was sent, as OTLP/JSON lines written beside the sending."""
    taken: dict[str, float]
    """What the collector says it accepted while the run lasted, by signal."""

    @property
    def run(self) -> str:
        """A selector of the run's series."""
        return f'{{simtraffic_run_id="{self.result["run_id"]}"}}'

    def of_traffic(self, key: str) -> dict[tuple[str, ...], float]:
        """A figure of the result by provider and model, over all flows."""
        sums: dict[tuple[str, ...], float] = defaultdict(float)
        for row in self.result["traffic"]:
            sums[row["provider"], row["model"]] += row[key]
        return {key: value for key, value in sums.items() if value}


@pytest.fixture(scope="module")
def told(stack: LiveStack, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Ten seconds of traffic with errors, retries and an outage, until all of it is stored."""
    folder = tmp_path_factory.mktemp("told")
    command = [sys.executable, "-m", "simtraffic", "run", str(written(folder)), "--quiet"]
    command += ["--endpoint", stack.otlp, "--out", str(folder / "told.jsonl")]
    command += ["--result", str(folder / "result.json")]
    before = {signal: _total(stack, "receiver_accepted", signal) for signal in UNITS}
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    taken = {s: _total(stack, "receiver_accepted", s) - before[s] for s in UNITS}
    told = Told(json.loads((folder / "result.json").read_text()), folder / "told.jsonl", taken)
    requests = told.result["schedule"]["generated"]
    count = f"sum(http_server_request_duration_seconds_count{told.run})"
    wait_until(lambda: stack.number(count) == requests, "the last metrics to be stored")
    spans = told.result["signals"]["traces"]["accepted"]
    wait_until(
        lambda: _total(stack, "exporter_sent", "traces") >= spans, "the last spans to be stored"
    )
    return told


def _total(stack: LiveStack, name: str, signal: str) -> float:
    """The collector's own count of a signal's items, from its page."""
    start = f"otelcol_{name}_{UNITS[signal]}{{"
    lines = stack.collector.text("/metrics").splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))


def _generated(told: Told) -> dict[str, int]:
    return {signal: each["generated"] for signal, each in told.result["signals"].items()}


def test_the_ledger_is_the_collectors_own_count(told: Told) -> None:
    assert told.taken == {s: each["accepted"] for s, each in told.result["signals"].items()}
    assert told.taken == _generated(told)
    assert min(told.taken.values()) > 0


def test_requests_and_their_failures_are_those_of_the_result(stack: LiveStack, told: Told) -> None:
    name = "http_server_request_duration_seconds_count"
    by_status = by(
        stack.vector(f"sum by (http_response_status_code) ({name}{told.run})"),
        "http_response_status_code",
    )
    assert sum(by_status.values()) == told.result["schedule"]["generated"]
    failed = sum(count for (status,), count in by_status.items() if int(status) >= 400)
    shares = [s["error_share"] * s["generated"] for s in told.result["stages"]]
    assert failed == pytest.approx(sum(shares), abs=1e-6)
    assert failed > 0


@pytest.mark.parametrize("failed", [False, True], ids=["operations", "failed"])
def test_operations_by_model_agree_in_both_conventions(
    stack: LiveStack, told: Told, *, failed: bool
) -> None:
    expected = told.of_traffic("failed" if failed else "requests")
    assert expected
    chosen = told.run[:-1] + (',error_type!=""}' if failed else "}")
    gen_ai = by(
        stack.vector(
            "sum by (gen_ai_provider_name, gen_ai_request_model)"
            f" (gen_ai_client_operation_duration_seconds_count{chosen})"
        ),
        *("gen_ai_provider_name", "gen_ai_request_model"),
    )
    assert gen_ai == {(GEN_AI_PROVIDERS.get(p, p), m): v for (p, m), v in expected.items()}
    chosen = told.run[:-1] + (',status="error"}' if failed else "}")
    llm = by(
        stack.vector(f"sum by (provider, model) (llm_requests_total{chosen})"),
        *("provider", "model"),
    )
    assert llm == expected


@pytest.mark.parametrize(
    ("key", "gen_ai", "llm"),
    [("input_tokens", "input", "prompt"), ("output_tokens", "output", "completion")],
)
def test_tokens_by_model_agree_in_both_conventions(
    stack: LiveStack, told: Told, key: str, gen_ai: str, llm: str
) -> None:
    expected = told.of_traffic(key)
    chosen = f'{told.run[:-1]},gen_ai_token_type="{gen_ai}"}}'
    of_gen_ai = by(
        stack.vector(
            "sum by (gen_ai_provider_name, gen_ai_request_model)"
            f" (gen_ai_client_token_usage_sum{chosen})"
        ),
        *("gen_ai_provider_name", "gen_ai_request_model"),
    )
    assert of_gen_ai == {(GEN_AI_PROVIDERS.get(p, p), m): v for (p, m), v in expected.items()}
    chosen = f'{told.run[:-1]},token_type="{llm}"}}'
    of_llm = by(
        stack.vector(f"sum by (provider, model) (llm_tokens_total{chosen}) > 0"),
        *("provider", "model"),
    )
    assert of_llm == expected


def test_cost_by_model_is_the_results(stack: LiveStack, told: Told) -> None:
    expected = told.of_traffic("cost_usd")
    chosen = f'{told.run[:-1]},cost_component="total"}}'
    found = by(
        stack.vector(f"sum by (provider, model) (llm_cost_USD_total{chosen})"),
        *("provider", "model"),
    )
    # Sums of doubles over two instances; the result adds whole picodollars.
    assert found == pytest.approx(expected, rel=1e-12)


def test_attempts_are_the_results(stack: LiveStack, told: Told) -> None:
    count = f"sum(http_client_request_duration_seconds_count{told.run})"
    assert stack.number(count) == sum(told.of_traffic("attempts").values())
    assert sum(told.of_traffic("attempts").values()) > sum(told.of_traffic("requests").values())


@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize(
    ("bucket", "bounds", "unit"),
    [
        ("gen_ai_client_operation_duration_seconds_bucket", GEN_AI_BUCKETS_S, 1.0),
        ("llm_requests_duration_milliseconds_bucket", LLM_BUCKETS_MS, 1000.0),
    ],
    ids=["gen_ai", "llm"],
)
def test_quantiles_lie_in_the_bucket_of_the_true_one(
    stack: LiveStack,
    told: Told,
    bucket: str,
    bounds: tuple[float, ...],
    unit: float,
    share: float,
) -> None:
    (stage,) = told.result["stages"]
    true = stage["duration_seconds"][f"p{share * 100:.0f}"] * unit
    found = stack.number(f"histogram_quantile({share}, sum by (le) ({bucket}{told.run}))")
    assert found is not None
    # The result's own quantile may err by a bucket of its sketch, so a neighbour is allowed.
    assert abs(bisect_left(bounds, found) - bisect_left(bounds, true)) <= 1


def _spans(told: Told) -> Iterator[Any]:
    for signal, request in requests_in(told.file):
        if signal == "traces":
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans


def test_every_trace_is_stored_whole(stack: LiveStack, told: Told) -> None:
    sent: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for span in _spans(told):
        parent = span.parent_span_id.hex()
        sent[span.trace_id.hex()].add((span.span_id.hex(), parent, span.name))
    assert len(sent) == told.result["schedule"]["generated"]
    stored = {
        trace["traceID"]: {
            (span["spanID"], _parent(span), span["operationName"]) for span in trace["spans"]
        }
        for trace in stack.jaeger.traces("llm-gateway")
    }
    missing = sent.keys() - stored.keys()
    assert not missing
    assert {trace: stored[trace] for trace in sent} == sent


def _parent(span: dict[str, Any]) -> str:
    parents = [r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"]
    return parents[0] if parents else ""


def test_every_log_record_is_stored_with_its_trace(stack: LiveStack, told: Told) -> None:
    sent: Counter[tuple[str, ...]] = Counter()
    for signal, request in requests_in(told.file):
        for resource in request.resource_logs if signal == "logs" else ():
            for scope in resource.scope_logs:
                sent.update(_record(record) for record in scope.log_records)
    query = f'"simtraffic.run_id":="{told.result["run_id"]}"'
    wait_until(
        lambda: sum(1 for _ in stack.logs.records(query)) >= sent.total(), "the last log records"
    )
    stored = Counter(
        (line["trace_id"], line["span_id"], line["severity_text"], _message(line))
        for line in stack.logs.records(query)
    )
    assert sent.total() == _generated(told)["logs"]
    assert stored == sent


def _record(record: Any) -> tuple[str, ...]:
    body = record.body.string_value
    return (record.trace_id.hex(), record.span_id.hex(), record.severity_text, body)


def _message(line: dict[str, Any]) -> str:
    """VictoriaLogs gives records without a body, as those of gen_ai are, a text of its own."""
    text: str = line["_msg"]
    return "" if text.startswith("missing _msg field") else text


def test_exemplars_lead_to_stored_traces(stack: LiveStack, told: Told) -> None:
    spans = {(span.trace_id.hex(), span.span_id.hex()) for span in _spans(told)}
    names = ("gen_ai_client_operation_duration_seconds", "llm_requests_duration_milliseconds")
    for name in (*names, "http_server_request_duration_seconds"):
        window = (datetime.fromisoformat(told.result[key]).timestamp() for key in ("start", "end"))
        found = stack.prometheus.exemplars(f"{name}_bucket{told.run}", *window)
        pointed = {(labels["trace_id"], labels["span_id"]) for labels in found}
        assert pointed, name
        assert pointed <= spans, name
        trace_id, span_id = min(pointed)
        assert span_id in json.dumps(stack.jaeger.trace(trace_id)), name


def test_an_older_prometheus_scrapes_the_same_counts(
    stack: LiveStack, told: Told, tmp_path: Path
) -> None:
    path = tool("prometheus-2.42")
    (port,) = free_ports(1)
    places = {
        **stack.native.addresses.of_containers(),
        "prometheus:9090": f"{HOST}:{port}",
    }
    render(CONFIG, tmp_path / "config", places)
    scraping = commands.prometheus(
        path,
        port,
        config=tmp_path / "config/prometheus/scrape.yml",
        data=tmp_path / "data",
        options=commands.KEEPS_EXEMPLARS,
        name="prometheus-that-scrapes",
    )
    with (
        Running(scraping, tmp_path / "scraping.log") as running,
        Prometheus(running.addresses["http"]) as older,
    ):
        assert older.version().startswith("2.42.")
        count = f"sum(http_server_request_duration_seconds_count{told.run})"
        generated = told.result["schedule"]["generated"]
        wait_until(lambda: only(older.instant(count)) == generated, "a scrape of the last counts")
        for query in (
            "sum by (provider, model) (llm_cost_USD_total{run})",
            "sum by (gen_ai_provider_name, gen_ai_request_model, error_type)"
            " (gen_ai_client_operation_duration_seconds_count{run})",
            "sum by (le) (llm_latency_ttft_milliseconds_bucket{run})",
            "sum by (job, instance, service_name, deployment_environment_name)"
            " (llm_tokens_total{run})",
        ):
            asked = query.replace("{run}", told.run)
            labels = asked[asked.index("(") + 1 : asked.index(")")].split(", ")
            here, there = by(stack.vector(asked), *labels), by(older.instant(asked), *labels)
            assert here, asked
            assert _floats(there) == pytest.approx(_floats(here), rel=1e-12), asked


def _floats(values: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Bounds of buckets are written 100 here and 100.0 there."""

    def plain(label: str) -> str:
        try:
            return str(float(label))
        except ValueError:
            return label

    return {tuple(map(plain, labels)): value for labels, value in values.items()}

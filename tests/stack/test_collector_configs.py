"""Every configuration of the collector is accepted by it, and does what its head says."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2

from simtraffic.backends.ports import HOST
from simtraffic.backends.programs import Running
from simtraffic.collector.server import Collector
from tests.real.programs import tool, wait_until
from tools.stack.addresses import Addresses
from tools.stack.programs import collector

FILES = sorted(Path("config/collector").glob("*.yaml"))
CREDENTIALS = {
    "grafana-cloud": {"authorization": "Basic c2VjcmV0"},
    "datadog": {"dd-api-key": "secret"},
    "new-relic": {"api-key": "secret"},
    "honeycomb": {"x-honeycomb-team": "secret"},
    "dynatrace": {"authorization": "Api-Token secret"},
}
"""The headers that each back end wants, with what :func:`environment` sets."""


def environment(url: str = "http://127.0.0.1:1") -> dict[str, str]:
    """What the files of back ends read, as a user would set it."""
    return {
        "GRAFANA_CLOUD_OTLP_ENDPOINT": url,
        "GRAFANA_CLOUD_BASIC": "c2VjcmV0",
        "DATADOG_OTLP_ENDPOINT": url,
        "DATADOG_API_KEY": "secret",
        "NEW_RELIC_OTLP_ENDPOINT": url,
        "NEW_RELIC_LICENSE_KEY": "secret",
        "HONEYCOMB_ENDPOINT": url,
        "HONEYCOMB_API_KEY": "secret",
        "DYNATRACE_OTLP_ENDPOINT": url,
        "DYNATRACE_API_TOKEN": "secret",
    }


def test_no_file_holds_a_credential_and_all_listen_alike() -> None:
    assert len(FILES) == 9
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        for name in ("OTLP_GRPC", "OTLP_HTTP", "HEALTH", "METRICS_HOST", "METRICS_PORT"):
            assert f"${{env:{name}:-" in text, (path.name, name)
        assert "memory_limiter:" in text, path.name
        for value in re.findall(r"(?:key|authorization|team): (.+)", text):
            assert (
                "${env:" in value or value.startswith(("http.", "gen_ai", "user")) or "," in value
            )


@pytest.mark.real
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_collector_accepts_the_file(path: Path) -> None:
    command = [tool("otelcol"), "validate", "--config", str(path)]
    variables = {**os.environ, **environment()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == 0, done.stderr


@pytest.mark.real
@pytest.mark.parametrize("name", ["datadog", "dynatrace", "grafana-cloud"])
def test_a_back_end_without_its_address_is_refused(name: str) -> None:
    command = [tool("otelcol"), "validate", "--config", f"config/collector/{name}.yaml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "endpoint" in done.stderr


@contextmanager
def running(name: str, folder: Path, **variables: str) -> Iterator[Running]:
    """A collector with one of the files; it has sent everything when the context ends."""
    config = Path(f"config/collector/{name}.yaml")
    program = collector(tool("otelcol"), Addresses.free(), config, variables)
    with Running(program, folder / "otelcol.log") as made:
        yield made


def send(to: Running, *arguments: str, scenario: str = "scenarios/smoke.yaml") -> None:
    command = [sys.executable, "-m", "simtraffic", "run", scenario, "--quiet", "--speed", "max"]
    command += ["--endpoint", to.addresses["grpc"], *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def stores(collector: Collector) -> dict[str, str]:
    """Variables that point the stores of a file at a collector of ours."""
    return {
        "JAEGER_OTLP": collector.grpc_endpoint.removeprefix("http://"),
        "PROMETHEUS_OTLP": collector.http_endpoint,
        "LOGS_ENDPOINT": f"{collector.http_endpoint}/v1/logs",
    }


class Recorder(ThreadingHTTPServer):
    """A back end that keeps what it is sent: path, headers and body of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Recording)
        self.requests: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_address[1]}"


class _Recording(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.requests.append((self.path, headers, body))
        answer = ExportMetricsServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _sums(requests: list[tuple[str, dict[str, str], bytes]]) -> tuple[set[int], Counter[str]]:
    """Temporalities met, and the sum over all points of each counter and histogram."""
    met: set[int] = set()
    sums: Counter[str] = Counter()
    for path, _, body in requests:
        if not path.endswith("/v1/metrics"):
            continue
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for metric in (m for scope in resource.scope_metrics for m in scope.metrics):
                kind = str(metric.WhichOneof("data"))
                data = getattr(metric, kind)
                if kind == "histogram":
                    met.add(data.aggregation_temporality)
                    sums[metric.name] += sum(point.count for point in data.data_points)
                elif kind == "sum" and data.data_points[0].HasField("as_int"):
                    met.add(data.aggregation_temporality)
                    sums[metric.name] += sum(point.as_int for point in data.data_points)
    return met, sums


@pytest.mark.real
@pytest.mark.parametrize("name", CREDENTIALS)
def test_a_back_end_gets_its_headers_and_its_temporality(
    name: str, recorder: Recorder, tmp_path: Path
) -> None:
    with running(name, tmp_path, **environment(recorder.url)) as made:
        send(made, "--out", str(tmp_path / "sent.jsonl"))
    paths = {path for path, _, _ in recorder.requests}
    assert paths == {"/v1/traces", "/v1/metrics", "/v1/logs"}
    for path, headers, _ in recorder.requests:
        assert CREDENTIALS[name].items() <= headers.items(), path
        assert headers["content-encoding"] == "gzip"
        if name == "honeycomb":
            wanted = "simtraffic-metrics" if path == "/v1/metrics" else None
            assert headers.get("x-honeycomb-dataset") == wanted
    met, sums = _sums(recorder.requests)
    delta = metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
    if name in {"datadog", "dynatrace"}:
        assert met == {delta}
        # A cumulative point's first value counts whole, so the deltas add up to all there was.
        assert sums["http.server.request.duration"] == 100
        assert sums["llm.requests.total"] == 100
    else:
        assert met == {metrics_pb2.AGGREGATION_TEMPORALITY_CUMULATIVE}


@pytest.mark.real
def test_tail_sampling_keeps_failures_whole_and_a_tenth_of_the_rest(tmp_path: Path) -> None:
    with Collector(keep=True) as sink, Collector(keep=True) as whole:
        variables = {**stores(sink), "DECISION_WAIT": "2s"}
        same = ("--signals", "traces", "--start", "2026-01-01T00:00:00Z")
        storm = "scenarios/rate_limit_storm.yaml"
        with running("tail-sampling", tmp_path, **variables) as made:
            send(made, *same, scenario=storm)
        command = [sys.executable, "-m", "simtraffic", "run", storm, *same, "--quiet"]
        command += ["--speed", "max", "--endpoint", whole.grpc_endpoint]
        subprocess.run(command, check=True, timeout=60)
        sent, kept = _traces(whole.spans()), _traces(sink.spans())
    failed = {trace for trace, spans in sent.items() if _is_kept_for_certain(spans)}
    assert len(failed) > 20
    assert failed <= kept.keys()
    for trace, spans in kept.items():
        assert len(spans) == len(sent[trace]), "half a trace"
    rest = sent.keys() - failed
    share = len(kept.keys() - failed) / len(rest)
    # One in ten of more than a thousand: four standard deviations are four hundredths.
    assert 0.06 < share < 0.14, (share, len(rest))


def _traces(spans: Any) -> dict[bytes, list[Any]]:
    found: dict[bytes, list[Any]] = defaultdict(list)
    for span in spans:
        found[span.trace_id].append(span)
    return found


def _is_kept_for_certain(spans: list[Any]) -> bool:
    """As the file has it: failed, turned away, or ten seconds and longer."""
    start = min(span.start_time_unix_nano for span in spans)
    end = max(span.end_time_unix_nano for span in spans)
    return (
        any(span.status.code == 2 for span in spans)
        or any(
            a.key == "http.response.status_code" and a.value.int_value == 429
            for span in spans
            for a in span.attributes
        )
        or end - start >= 10_000_000_000
    )


SECRETS = {
    "key": "sk-abcdefghijklmnopqrstuvwx",
    "mail": "jane.doe@example.com",
    "card": "4111 1111 1111 1111",
    "token": "Bearer abcdefghijklmnop.qrstuvwxyz",
}


@pytest.mark.real
def test_redaction_leaves_no_planted_secret_and_keeps_counts_and_models(tmp_path: Path) -> None:
    text = Path("simtraffic/conventions/gen_ai.yaml").read_text(encoding="utf-8")
    planted = "".join(f'      planted.{name}: "{value}"\n' for name, value in SECRETS.items())
    planted += f'      gen_ai.input.messages: "my mail is {SECRETS["mail"]}"\n'
    place = "      gen_ai.operation.name: {column: operation}\n"
    convention = tmp_path / "leaky.yaml"
    logged = '    body: {text: "asked with ' + " and ".join(SECRETS.values()) + ' of {model}"}\n'
    text = text.replace(place, place + planted, 1)
    head = "    at: end\n    when: {failed: true}\n    attributes:"
    assert head in text
    text = text.replace(head, f"    at: end\n{logged}    attributes:")
    assert "planted.key" in text
    assert "asked with" in text
    convention.write_text(text, encoding="utf-8")
    with Collector(keep=True) as sink:
        with running("redaction", tmp_path, **stores(sink)) as made:
            send(made, "--convention", str(convention))
        spans, records = list(sink.spans()), list(sink.log_records())
    assert len(spans) > 100
    assert len(records) == 100
    octets = b"".join(each.SerializeToString() for each in (*spans, *records))
    for name, value in SECRETS.items():
        assert value.encode() not in octets, name
    keys = {a.key for span in spans for a in span.attributes}
    assert "gen_ai.input.messages" not in keys
    assert {"gen_ai.usage.input_tokens", "gen_ai.request.model", "planted.key"} <= keys
    assert b"gpt-4o-mini" in octets
    tokens = [
        a.value.int_value
        for span in spans
        for a in span.attributes
        if a.key == "gen_ai.usage.input_tokens"
    ]
    assert min(tokens) > 0
    assert not any(b"user-" in s.SerializeToString() for s in spans)


@pytest.mark.real
def test_span_metrics_count_every_span_once(tmp_path: Path) -> None:
    with Collector(keep=True) as sink:
        variables = {**stores(sink), "FLUSH_INTERVAL": "1s"}
        with running("span-metrics", tmp_path, **variables) as made:
            send(made, "--signals", "traces")
            wait_until(lambda: _calls(sink) == len(list(sink.spans())) > 0, "a flush of all")
        calls = Counter[str]()
        for metric in sink.metrics():
            assert metric.name.startswith("traces.span.metrics.")
        spans = Counter(span.name for span in sink.spans())
        newest: dict[bytes, Any] = {}
        for metric in sink.metrics():
            if metric.name.endswith(".calls"):
                for point in metric.sum.data_points:
                    key = b"".join(sorted(a.SerializeToString() for a in point.attributes))
                    newest[key] = point
        for point in newest.values():
            (name,) = (a.value.string_value for a in point.attributes if a.key == "span.name")
            calls[name] += point.as_int
    assert calls == spans


def _calls(sink: Collector) -> int:
    newest: dict[bytes, int] = {}
    for metric in sink.metrics():
        if metric.name.endswith(".calls"):
            for point in metric.sum.data_points:
                key = b"".join(sorted(a.SerializeToString() for a in point.attributes))
                newest[key] = point.as_int
    return sum(newest.values())

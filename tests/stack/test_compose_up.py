"""The stack in containers, brought up beside any other and sent a scenario: `make test-compose`.

Runs where it is asked for by its mark and a Docker engine with compose answers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from simtraffic.backends.jaeger import Jaeger
from simtraffic.backends.ports import free_ports
from simtraffic.backends.prometheus import Prometheus
from simtraffic.backends.query import Store
from tests.real import programs
from tests.real.programs import missing, wait_until
from tests.stack.compose_file import PATH, ROOT, SERVICES, VARIABLE, on_host, read

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.compose

PROJECT = f"simtraffic-test-{os.getpid()}"
TEXT = PATH.read_text(encoding="utf-8")
VARIABLES = {found["name"] for found in VARIABLE.finditer(TEXT)}
PORTS = sorted(name for name in VARIABLES if name.endswith("_PORT"))
# The stores that Grafana asks for its user; an Alertmanager is asked by the browser.
ASKED = {"prometheus", "loki", "jaeger"}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues flush and groups of alerts wait in containers as they do for a user."""
    monkeypatch.setattr(programs, "PATIENCE_S", 120.0)


@dataclass(frozen=True)
class Containers:
    """A stack that is up, and what a run into it told."""

    ports: dict[str, int]
    result: dict[str, Any]

    def url(self, name: str) -> str:
        """Base URL by the variable of its port."""
        return f"http://127.0.0.1:{self.ports[f'SIMTRAFFIC_{name}_PORT']}"

    def get(self, name: str, path: str, **query: str) -> Any:
        """An answer in JSON."""
        login = ("admin", "simtraffic") if name == "GRAFANA" else None
        with Store(self.url(name), name=name.lower(), login=login) as store:
            return store.get(path, **query)

    def count(self, query: str, *, name: str = "PROMETHEUS", under: str = "") -> float:
        """The one sample of a query in PromQL or LogQL; 0 when there is none."""
        with Prometheus(self.url(name) + under) as store:
            found = store.instant(query)
        return found[0].value if found else 0


def compose(*words: str, environ: dict[str, str], patience: float = 60) -> str:
    """What a command of compose prints; its failure is the test's."""
    command = ["docker", "compose", "--project-name", PROJECT, "--file", str(PATH), *words]
    done = subprocess.run(
        command, env=environ, capture_output=True, text=True, check=False, timeout=patience
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def need_an_engine(selected: str) -> None:
    """Skip, and say why, where no engine is or nobody asked for it."""
    if "compose" not in selected:
        pytest.skip("brings eight containers up; `make test-compose` asks for it")
    if shutil.which("docker") is None:
        missing("docker is not there; install Docker with its compose plugin")
    for words in (("info",), ("compose", "version")):
        tried = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
        if tried.returncode:
            said = tried.stderr.strip().partition("\n")[0]
            missing(f"no Docker engine with compose; `docker {' '.join(words)}` says: {said}")


@pytest.fixture(scope="module")
def containers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containers]:
    """The whole stack under another name on free ports, after a run of the smoke scenario."""
    need_an_engine(str(request.config.getoption("markexpr")))
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    # What else a developer has set stays out, so that the defaults are what is tested.
    environ = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    environ |= {name: str(port) for name, port in ports.items()}
    try:
        # The first time pulls the images.
        compose("pull", "--quiet", environ=environ, patience=1200)
        compose("up", "--detach", "--wait", "--wait-timeout", "240", environ=environ, patience=300)
        result = run(ports["SIMTRAFFIC_OTLP_GRPC_PORT"], tmp_path_factory.mktemp("run"))
        yield Containers(ports, result)
        states = compose("ps", "--all", "--format", "{{.Service}} {{.State}}", environ=environ)
        running = {line.split()[0] for line in states.splitlines() if line.endswith(" running")}
        assert running == set(SERVICES), states
    except BaseException:
        sys.stderr.write(compose("logs", "--tail", "40", environ=environ))
        raise
    finally:
        compose("down", "--volumes", "--timeout", "15", environ=environ, patience=120)


def run(port: int, folder: Path) -> dict[str, Any]:
    """Send the smoke scenario and return its result."""
    result = folder / "result.json"
    words = ["--endpoint", f"http://127.0.0.1:{port}", "--quiet", "--result", str(result)]
    command = [sys.executable, "-m", "simtraffic", "run", "scenarios/smoke.yaml", *words]
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return told


def test_prometheus_counts_every_request(containers: Containers):
    query = 'sum(http_server_request_duration_seconds_count{service_name="llm-smoke"})'
    wanted = containers.result["schedule"]["generated"]
    wait_until(lambda: containers.count(query) == wanted, f"Prometheus to count {wanted} requests")


def test_prometheus_has_loaded_its_rules_and_found_its_alertmanager(containers: Containers):
    with Prometheus(containers.url("PROMETHEUS")) as prometheus:
        assert prometheus.rule_groups()
    active = containers.get("PROMETHEUS", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [each["url"] for each in active] == ["http://alertmanager:9093/api/v2/alerts"]


def test_jaeger_has_every_trace(containers: Containers):
    wanted = containers.result["schedule"]["generated"]

    def stored() -> int:
        with Jaeger(containers.url("JAEGER")) as jaeger:
            return len(jaeger.traces("llm-smoke", limit=1000))

    wait_until(lambda: stored() == wanted, f"Jaeger to have {wanted} traces")


def test_loki_has_every_record_with_its_labels(containers: Containers):
    query = 'sum(count_over_time({service_name="llm-smoke", deployment_environment_name="ci"}[1h]))'
    wanted = containers.result["signals"]["logs"]["generated"]
    wait_until(
        lambda: containers.count(query, name="LOKI", under="/loki") == wanted,
        f"Loki to have {wanted} records",
    )


def test_grafana_has_every_board(containers: Containers):
    folder = on_host("grafana", "/etc/grafana/dashboards")
    assert folder is not None
    wanted = {json.loads(path.read_text(encoding="utf-8"))["uid"] for path in folder.glob("*.json")}
    found = containers.get("GRAFANA", "/api/search", type="dash-db", limit="1000")
    assert wanted
    assert {board["uid"] for board in found} == wanted


def test_grafana_reaches_every_store(containers: Containers):
    sources = containers.get("GRAFANA", "/api/datasources")
    files = sorted((ROOT / "config/grafana/provisioning/datasources").glob("*.yaml"))
    wanted = {source["uid"] for path in files for source in read(path)["datasources"]}
    assert {source["uid"] for source in sources} == wanted
    asked = [source for source in sources if source["type"] in ASKED]
    assert {source["type"] for source in asked} == ASKED
    for source in asked:
        health = containers.get("GRAFANA", f"/api/datasources/uid/{source['uid']}/health")
        assert health["status"] == "OK", health


def test_who_does_not_log_in_may_look_but_not_administrate(containers: Containers):
    grafana = containers.url("GRAFANA")
    # Statuses are what is tried, so no client comes between.
    assert httpx.get(f"{grafana}/api/search", timeout=30).status_code == 200
    assert httpx.get(f"{grafana}/api/datasources", timeout=30).status_code == 403


def test_the_webhook_is_reached_by_alertmanager(containers: Containers):
    alert = [{"labels": {"alertname": "Probe", "severity": "critical", "team": "ai-platform"}}]
    # As anybody would post it; nothing of ours gives Alertmanager alerts.
    sent = httpx.post(f"{containers.url('ALERTMANAGER')}/api/v2/alerts", json=alert, timeout=30)
    assert sent.status_code == 200

    def arrived() -> bool:
        notifications = json.dumps(containers.get("WEBHOOK", "/notifications"))
        return '"alertname": "Probe"' in notifications

    wait_until(arrived, "the notification to arrive")

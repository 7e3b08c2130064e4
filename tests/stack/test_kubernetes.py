"""Manifests: built by kustomize, valid by Kubernetes' schemas, guarded, and true to the CLI."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

import simtraffic
from simtraffic.collector.server import Collector
from simtraffic.self_telemetry import Page
from tests.real.programs import tool
from tests.real.telemetry import items_in
from tools.kubernetes import main as make_rule

K8S = Path("k8s")
BUILDS = ("base", "scenarios", "smoke", "continuous", "shards", "monitoring")
# Whether the probe asks for more than life.
PROBES = {"startup": False, "readiness": True, "liveness": False}
WORKLOADS = (
    "smoke/job.yaml",
    "smoke/cronjob.yaml",
    "continuous/deployment.yaml",
    "shards/job.yaml",
)


def documents(text: str) -> list[dict[str, Any]]:
    return [each for each in YAML(typ="safe", pure=True).load_all(text) if each]


def read(name: str) -> dict[str, Any]:
    (document,) = documents((K8S / name).read_text(encoding="utf-8"))
    return document


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    spec = document["spec"]
    if document["kind"] == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for name in WORKLOADS:
        pod = pod_of(read(name))
        (container,) = pod["containers"]
        yield name, pod, container


@pytest.mark.real
@pytest.mark.parametrize("name", BUILDS)
def test_kustomize_builds_what_kubernetes_accepts(name: str) -> None:
    command = [tool("kustomize"), "build", str(K8S / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = documents(done.stdout)
    assert made
    for document in made:
        if "monitoring.coreos.com" not in document["apiVersion"]:
            kubernetes_validate.validate(document, "1.33", strict=True)
        if document["kind"] == "ConfigMap":
            # The limit of an object is a mebibyte.
            assert len(str(document["data"])) < 1_000_000, document["metadata"]["name"]
        if name != "monitoring" and document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "simtraffic"
    images = {c["image"] for d in made if "template" in str(d) for c in _containers(d)}
    assert images <= {f"ghcr.io/simtraffic/simtraffic:{simtraffic.__version__}"}


def _containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document["kind"] not in {"Job", "CronJob", "Deployment"}:
        return []
    containers: list[dict[str, Any]] = pod_of(document)["containers"]
    return containers


@pytest.mark.real
def test_each_board_is_a_config_map_that_the_side_car_finds() -> None:
    command = [tool("kustomize"), "build", str(K8S / "monitoring")]
    made = documents(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    boards = [d for d in made if d["kind"] == "ConfigMap"]
    names = {path.stem for path in Path("config/grafana/dashboards").glob("*.json")}
    assert {board["metadata"]["name"] for board in boards} == names
    for board in boards:
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_every_board_is_taken_to_the_cluster() -> None:
    file = Path("config/grafana/dashboards/kustomization.yaml")
    listed = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    names = {path.stem for path in file.parent.glob("*.json")}
    taken = {made["name"] for made in listed["configMapGenerator"]}
    assert taken == names, f"{file} wants {names - taken}, not {taken - names}"


@pytest.mark.real
def test_the_rules_object_holds_rules_that_promtool_accepts(tmp_path: Path) -> None:
    rule = read("monitoring/prometheusrule.yaml")
    file = tmp_path / "rules.yml"
    with file.open("w", encoding="utf-8") as into:
        YAML(typ="safe", pure=True).dump(rule["spec"], into)
    command = [tool("promtool"), "check", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_object_is_up_to_date() -> None:
    assert make_rule(["--check"]) == 0, "the rules of the cluster are old: run make generated"


def test_every_pod_is_guarded() -> None:
    count = 0
    for name, pod, container in pods():
        count += 1
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 10001, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        inside = container["securityContext"]
        assert inside["readOnlyRootFilesystem"] is True, name
        assert inside["allowPrivilegeEscalation"] is False, name
        assert inside["capabilities"] == {"drop": ["ALL"]}, name
        assert {"cpu", "memory"} <= set(container["resources"]["limits"]), name
        mounts = {m["mountPath"]: m for m in container["volumeMounts"]}
        assert not mounts["/tmp"].get("readOnly"), name
        drain = re.search(r"--drain[ ,'=]+(\d+)s", str(container["args"]).replace("', '", " "))
        assert drain, name
        assert pod["terminationGracePeriodSeconds"] > int(drain[1]) + 10, name
    assert count == len(WORKLOADS)
    assert f"USER {10001}" in Path("Dockerfile").read_text(encoding="utf-8")


def test_a_job_that_lost_telemetry_fails_at_once() -> None:
    for name in ("smoke/job.yaml", "shards/job.yaml"):
        (rule,) = read(name)["spec"]["podFailurePolicy"]["rules"]
        assert rule["action"] == "FailJob"
        assert {4, 5} <= set(rule["onExitCodes"]["values"])


def local(argument: str) -> str:
    """A path inside the pod as the file that is mounted there."""
    return argument.replace("/etc/simtraffic/", f"{K8S}/scenarios/")


@pytest.mark.long
def test_the_smoke_jobs_command_line_runs(tmp_path: Path) -> None:
    for name in ("smoke/job.yaml", "smoke/cronjob.yaml"):
        arguments = pod_of(read(name))["containers"][0]["args"]
        arguments = [local(a).replace("/tmp/", f"{tmp_path}/") for a in arguments]
        with Collector() as collector:
            done = _simtraffic(*arguments, "--speed", "max", endpoint=collector.grpc_endpoint)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "result.json").exists()


@pytest.mark.long
def test_the_continuous_command_line_runs() -> None:
    arguments = [
        local(a) for a in pod_of(read("continuous/deployment.yaml"))["containers"][0]["args"]
    ]
    with Collector() as collector:
        cut = ("--speed", "max", "--duration", "1m", "--prometheus-port=0")
        done = _simtraffic(*arguments, *cut, endpoint=collector.grpc_endpoint)
    assert done.returncode == 0, done.stderr


def _simtraffic(*arguments: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-m", "simtraffic", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
    )


@pytest.mark.long
def test_the_pods_of_the_sharded_job_are_together_the_whole(tmp_path: Path) -> None:
    """The job's own shell line, with the environment that Kubernetes would give each pod."""
    job = read("shards/job.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (line,) = container["args"]
    start = "2026-12-01T12:00:00Z"
    line = local(line).replace("exec simtraffic", f"exec {sys.executable} -m simtraffic")
    cut = " --speed max --duration 5s --quiet --signals traces --out "
    shards = []
    for index in range(job["spec"]["completions"]):
        out = tmp_path / f"{index}.jsonl"
        shards.append(out)
        pod = {**os.environ, "JOB_COMPLETION_INDEX": str(index), "START": start}
        command = [*container["command"], line + cut + str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=pod)
        assert done.returncode == 0, done.stderr
    whole = tmp_path / "whole.jsonl"
    command = [sys.executable, "-m", "simtraffic", "run", f"{K8S}/scenarios/shards.yaml"]
    command += ["--start", start, *cut.split(), str(whole)]
    subprocess.run(command, check=True, timeout=60)
    together, alone = items_in(*shards)["traces"], items_in(whole)["traces"]
    assert alone.total() > 100
    assert together == alone


def test_scenarios_of_the_cluster_are_valid() -> None:
    files = [
        str(p) for p in sorted((K8S / "scenarios").glob("*.yaml")) if p.stem != "kustomization"
    ]
    command = [sys.executable, "-m", "simtraffic", "check", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) == 3


def test_the_probes_ask_a_page_that_the_command_line_opens() -> None:
    container = pod_of(read("continuous/deployment.yaml"))["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = {kind: container[f"{kind}Probe"]["httpGet"] for kind in PROBES}

    assert f"--prometheus-port={ports['metrics']}" in container["args"]
    assert "--prometheus-host=0.0.0.0" in container["args"]
    with Page(0) as page:
        for kind, ready in PROBES.items():
            assert probes[kind]["port"] == "metrics"
            # Before the first run a pod lives and is not ready.
            assert status(page.address + probes[kind]["path"]) == (503 if ready else 200)


def test_prometheus_is_let_in_to_the_port_that_it_scrapes() -> None:
    (monitored,) = read("monitoring/podmonitor.yaml")["spec"]["podMetricsEndpoints"]
    container = pod_of(read("continuous/deployment.yaml"))["containers"][0]
    (entrance,) = read("base/networkpolicy.yaml")["spec"]["ingress"]

    (port,) = container["ports"]
    assert monitored["port"] == port["name"]
    assert entrance["ports"] == [{"protocol": "TCP", "port": port["containerPort"]}]
    labels = read("continuous/deployment.yaml")["spec"]["template"]["metadata"]["labels"]
    assert read("monitoring/podmonitor.yaml")["spec"]["selector"]["matchLabels"] == labels


def status(url: str) -> int:
    """Of an answer, good or bad; that is all a kubelet looks at."""
    try:
        with urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code

"""docker-compose.observability.yml: valid, guarded, pinned, true to the files that it mounts."""

from __future__ import annotations

import graphlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.real.programs import tool
from tests.stack.compose_file import (
    COMPOSE,
    PATH,
    ROOT,
    SERVICES,
    TEXT,
    VARIABLE,
    in_bytes,
    listening,
    mounts,
    on_host,
    published,
    read,
    watched,
)

if TYPE_CHECKING:
    from tests.stack.live import LiveStack

ALL = sorted(SERVICES)
ASKED_FROM_OUTSIDE = {"otel-collector"}
PLACE = re.compile(r"(?<![\w./:-])(?P<host>[a-z][a-z0-9-]*):(?P<port>\d{4,5})(?!\d)")


def places() -> Iterator[tuple[Path, str, int]]:
    """Every `host:port` that a file of config/ names, this machine's own left out."""
    for path in sorted((ROOT / "config").rglob("*")):
        if path.suffix not in {".yaml", ".yml", ".json"}:
            continue
        text = path.read_text(encoding="utf-8").replace("//", " ")
        for found in PLACE.finditer(re.sub(r"\$\{(env:)?\w+:-", " ", text)):
            if found["host"] != "localhost":
                yield path, found["host"], int(found["port"])


PLACES = list(places())


def health(service: str) -> list[str]:
    """The command of its health check."""
    test: list[str] = SERVICES[service]["healthcheck"]["test"]
    assert test[0] == "CMD", "an image need not have a shell"
    return test[1:]


def test_it_follows_the_specification_of_compose_files():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    found = subprocess.run([*command, PATH], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout
    assert COMPOSE["name"] == "simtraffic"
    assert "version" not in COMPOSE


@pytest.mark.real
def test_the_reference_implementation_reads_it_as_we_do():
    command = [tool("compose-spec"), "-format", "json", str(PATH)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    services: dict[str, Any] = json.loads(found.stdout)["services"]
    assert sorted(services) == ALL
    for name, service in services.items():
        ports = {int(port["published"]): port["target"] for port in service.get("ports", [])}
        assert ports == published(name)
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}
        assert in_bytes(service["mem_limit"]) == in_bytes(SERVICES[name]["mem_limit"])
        bound = [each for each in service.get("volumes", []) if each["type"] == "bind"]
        assert all(Path(each["source"]).exists() and each["read_only"] for each in bound)


@pytest.mark.parametrize("service", ALL)
def test_an_image_is_pinned_and_can_be_replaced(service):
    image = SERVICES[service]["image"]
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", image), image
    written = re.search(rf"^    image: {re.escape(image.split(':')[0])}:\$", TEXT, re.MULTILINE)
    assert written, f"the version of {image} is no variable"


def test_python_is_that_of_our_own_image():
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"FROM {SERVICES['probe']['image']} AS build\n" in dockerfile
    assert SERVICES["probe"]["image"] == SERVICES["webhook"]["image"]


@pytest.mark.parametrize("service", ALL)
def test_a_service_has_no_rights_that_it_does_not_need(service):
    is_there = SERVICES[service]
    assert is_there["read_only"] is True
    assert is_there["cap_drop"] == ["ALL"]
    assert is_there["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "cap_add", "devices"} & set(is_there)
    assert is_there["restart"] == "unless-stopped"


@pytest.mark.parametrize("service", ALL)
def test_memory_and_logs_of_a_service_are_bounded(service):
    limit = in_bytes(SERVICES[service]["mem_limit"])
    soft = SERVICES[service].get("environment", {}).get("GOMEMLIMIT")
    if soft is not None:
        assert 0.75 * limit <= in_bytes(soft) <= 0.9 * limit
    options = SERVICES[service]["logging"]["options"]
    assert (options["max-size"], options["max-file"]) == ("10m", "3")


def test_the_collector_refuses_before_its_memory_runs_out():
    text = (ROOT / "config/collector/demo.yaml").read_text(encoding="utf-8")
    found = re.search(r"limit_mib: \$\{env:\w+:-(\d+)\}", text)
    assert found
    soft = SERVICES["otel-collector"]["environment"]["GOMEMLIMIT"]
    assert in_bytes(f"{found[1]}MiB") < in_bytes(soft)


def test_only_loopback_reaches_it_and_no_port_is_asked_for_twice():
    written = [each for service in ALL for each in SERVICES[service].get("ports", [])]
    assert all(each.startswith("127.0.0.1:") for each in written)
    outside = [port for service in ALL for port in published(service)]
    assert len(outside) == len(set(outside)) == len(written)


def test_the_head_of_the_file_lists_every_variable_with_its_default():
    head = TEXT.partition("\nname:")[0]
    listed = dict(re.findall(r"^#   (SIMTRAFFIC_\w+) +(\S+)", head, re.MULTILINE))
    used = {found["name"]: found["default"] for found in VARIABLE.finditer(TEXT)}
    versions = {name for name in used if name.endswith("_VERSION")}
    assert listed == {name: default for name, default in used.items() if name not in versions}
    assert len(versions) == 7


@pytest.mark.parametrize("service", ALL)
def test_what_is_mounted_exists_and_cannot_be_written(service):
    for source, _, mode in mounts(service):
        if source.startswith("./"):
            assert (ROOT / source).exists(), source
            assert mode == "ro"
        else:
            assert source in COMPOSE["volumes"]


def test_every_named_volume_is_used():
    assert set(COMPOSE["volumes"]) == {
        source for service in ALL for source, _, _ in mounts(service) if "/" not in source
    }


@pytest.mark.parametrize("service", ALL)
def test_a_file_that_a_command_names_is_mounted(service):
    command = SERVICES[service].get("command", [])
    named = [
        found[1]
        for word in command
        for found in [re.search(r"(/\S+\.(?:ya?ml|py))$", word)]
        if found
    ]
    assert named or service == "grafana"
    for path in named:
        on_disk = on_host(service, path)
        assert on_disk is not None, f"{path} is not mounted"
        assert on_disk.is_file(), on_disk


def test_every_folder_of_a_program_is_mounted():
    sources = {source for service in ALL for source, _, _ in mounts(service)}
    for program in ("collector", "prometheus", "alertmanager", "jaeger", "loki"):
        assert f"./config/{program}" in sources


def test_grafana_finds_the_boards_where_they_are_mounted():
    providers = sorted((ROOT / "config/grafana/provisioning/dashboards").glob("*.yaml"))
    assert providers
    for path in providers:
        for provider in read(path)["providers"]:
            folder = on_host("grafana", provider["options"]["path"])
            assert folder is not None
            assert list(folder.rglob("*.json")), folder


def test_places_are_read_out_of_the_files():
    assert {(host, port) for _, host, port in PLACES} >= {
        ("prometheus", 9090),
        ("alertmanager", 9093),
        ("jaeger", 4317),
        ("jaeger", 16686),
        ("loki", 3100),
        ("webhook", 9099),
        ("otel-collector", 8888),
    }


@pytest.mark.parametrize(
    ("path", "host", "port"),
    PLACES,
    ids=[f"{path.name}-{host}:{port}" for path, host, port in PLACES],
)
def test_a_place_that_a_file_names_is_in_the_stack(path, host, port):
    assert host in SERVICES, f"{path} names {host}:{port}"
    assert port in listening(host), f"{path} names {host}:{port}"


@pytest.mark.parametrize("service", ALL)
def test_a_service_is_asked_whether_it_is_healthy(service):
    assert ("healthcheck" in SERVICES[service]) == (service not in ASKED_FROM_OUTSIDE)
    assert service == "probe" or service in watched()


def test_the_probe_asks_what_is_there():
    assert set(watched()) == set(ALL) - {"probe"}
    for name, url in watched().items():
        parts = urlsplit(url)
        assert parts.hostname == name
        assert parts.port in listening(name)


@pytest.mark.parametrize("service", sorted(set(ALL) - ASKED_FROM_OUTSIDE))
def test_a_health_check_asks_its_own_service(service):
    command = " ".join(health(service))
    asked = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", command)}
    assert asked
    assert asked <= listening(service)


def test_services_wait_for_those_that_they_send_to():
    needs = {name: SERVICES[name].get("depends_on", {}) for name in ALL}
    order = list(graphlib.TopologicalSorter(needs).static_order())
    assert order.index("otel-collector") > max(map(order.index, ("prometheus", "jaeger", "loki")))
    assert order.index("prometheus") > order.index("alertmanager") > order.index("webhook")
    assert order[-1] == "probe"
    for name, others in needs.items():
        for other, how in others.items():
            has_one = "healthcheck" in SERVICES[other]
            assert how["condition"] == ("service_healthy" if has_one else "service_started")
            assert has_one or name == "probe", f"{name} cannot know when {other} is ready"


def test_prometheus_is_started_as_its_configuration_needs_it():
    assert {"--web.enable-otlp-receiver", "--enable-feature=exemplar-storage"} <= set(
        SERVICES["prometheus"]["command"]
    )


def test_grafana_sends_nothing_out_and_installs_nothing():
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert "GF_INSTALL_PLUGINS" not in environment
    calls = (
        "REPORTING",
        "CHECK_FOR",
        "FEEDBACK",
        "NEWS",
        "AUTO_UPDATE",
        "PLUGIN_ADMIN",
        "EXTERNAL",
    )
    silenced = {name for name in environment if any(word in name for word in calls)}
    assert len(silenced) == 8
    assert {environment[name] for name in silenced} == {"false"}


@pytest.mark.real
@pytest.mark.parametrize("service", ["prometheus", "alertmanager"])
def test_a_health_check_by_the_services_own_program_tells_up_from_down(service, stack: LiveStack):
    program, *words = health(service)
    inside = f"http://127.0.0.1:{next(iter(published(service)))}"
    live = stack.native.addresses.url(service)
    path = tool(program.rpartition("/")[2])

    def check(base: str) -> int:
        command = [path, *(word.replace(inside, base) for word in words)]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert inside in " ".join(words)
    assert check(live) == 0
    assert check("http://127.0.0.1:1") != 0


@pytest.mark.real
def test_the_probe_finds_the_native_stack_healthy_by_the_same_paths(stack: LiveStack):
    native = {
        "otel-collector": "collector_health",
        "prometheus": "prometheus",
        "alertmanager": "alertmanager",
        "jaeger": "jaeger_health",
        "webhook": "webhook",
    }
    asked = [
        f"{name}={stack.native.addresses.url(address)}{urlsplit(watched()[name]).path}"
        for name, address in native.items()
    ]
    script = on_host("probe", "/opt/simtraffic/probe.py")
    command = [sys.executable, "-I", str(script), "--once", *asked]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")

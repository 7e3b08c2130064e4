"""docker-compose.observability.yml as tests read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docker-compose.observability.yml"
TEXT = PATH.read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")

# What listens inside a container without being published.
INSIDE = {"jaeger": {4317, 16685, 13133}, "probe": {9100}, "loki": {9095}}


def read(path: Path) -> Any:
    """A YAML file."""
    return YAML(typ="safe").load(path)


def resolved(text: str) -> str:
    """Its variables replaced by their defaults."""
    return VARIABLE.sub(lambda found: found["default"], text)


COMPOSE: dict[str, Any] = YAML(typ="safe").load(resolved(TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def published(service: str) -> dict[int, int]:
    """Ports on the host, and where they lead inside."""
    ports = (each.rsplit(":", 2) for each in SERVICES[service].get("ports", []))
    return {int(outside): int(inside) for _, outside, inside in ports}


def listening(service: str) -> set[int]:
    """Ports that a service listens on inside the stack."""
    return {*published(service).values(), *INSIDE.get(service, set())}


def mounts(service: str) -> list[tuple[str, str, str]]:
    """Source, target and mode of its volumes."""
    parts = [each.split(":") for each in SERVICES[service].get("volumes", [])]
    return [(part[0], part[1], part[2] if len(part) > 2 else "rw") for part in parts]


def on_host(service: str, inside: str) -> Path | None:
    """The file of this repository that a service sees at a path; None when it is none."""
    for source, target, _ in mounts(service):
        if source.startswith("./") and f"{inside}/".startswith(f"{target}/"):
            return ROOT / source / inside[len(target) :].lstrip("/")
    return None


def in_bytes(text: str) -> int:
    """Docker's and Go's sizes: ``600m``, ``2g``, ``480MiB``, and plain bytes."""
    found = re.fullmatch(r"(\d+)(m|g|MiB|GiB|)", text)
    assert found, text
    power = {"m": 2, "MiB": 2, "g": 3, "GiB": 3, "": 0}[found[2]]
    return int(found[1]) << 10 * power


def watched() -> dict[str, str]:
    """What the probe asks: URL by name."""
    words = [word for word in SERVICES["probe"]["command"] if "=http" in word]
    return dict(word.split("=", 1) for word in words)

"""The rules as a PrometheusRule: ``python -m tools.kubernetes`` writes it, ``--check`` compares."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
FILE = ROOT / "k8s/monitoring/prometheusrule.yaml"
RULES = ROOT / "config/prometheus/rules"


def text() -> str:
    """All groups of config/prometheus/rules in one object of the Prometheus Operator."""
    reader = YAML(typ="safe", pure=True)
    groups = [
        group
        for path in sorted(RULES.glob("*.yml"))
        for group in reader.load(path.read_text(encoding="utf-8"))["groups"]
    ]
    tree = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "simtraffic"},
        "spec": {"groups": groups},
    }
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.width = 4096
    into = io.StringIO()
    writer.dump(tree, into)
    head = "# Made by `python -m tools.kubernetes` from config/prometheus/rules; do not edit.\n"
    return head + into.getvalue()


def main(arguments: list[str]) -> int:
    """Write or compare; 1 when it differs."""
    wanted = text()
    if FILE.exists() and FILE.read_text(encoding="utf-8") == wanted:
        return 0
    if "--check" in arguments:
        sys.stdout.write(f"{FILE.name} differs; write it: python -m tools.kubernetes\n")
        return 1
    FILE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

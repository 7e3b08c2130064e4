"""What a benchmark found: figures with their target, and the files that show them."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quantity, all runs of it."""

    name: str
    unit: str
    values: tuple[float, ...]
    target: str = ""
    """Such as ``>= 1.5``, in the figure's unit; empty when it is only told."""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Whether the median meets the target."""
        if not self.target:
            return ""
        sign, limit = self.target.split()
        met = self.median >= float(limit) if sign == ">=" else self.median < float(limit)
        return "met" if met else "missed"

    def row(self) -> tuple[str, ...]:
        """Cells of the table."""
        spread = f"{_short(min(self.values))} – {_short(max(self.values))}"
        return (
            self.name,
            _short(self.median),
            self.unit,
            spread if len(self.values) > 1 else "",
            self.target,
            self.verdict,
        )


def ratio(name: str, above: Figure, below: Figure, target: str = "") -> Figure:
    """How many times greater one figure is than another, round by round."""
    pairs = zip(above.values, below.values, strict=True)
    return Figure(name, "times", tuple(a / b for a, b in pairs), target)


HEAD = ("figure", "median", "unit", "range", "target", "")


def plain_table(title: str, figures: Sequence[Figure]) -> str:
    """For the terminal."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([title, *(f"  {line.rstrip()}" for line in lines)])


def save(name: str, title: str, figures: Sequence[Figure]) -> None:
    """Put this benchmark's figures into the results file and write the page anew."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = {
        "title": title,
        "machine": machine(),
        "figures": [
            asdict(figure) | {"median": figure.median, "verdict": figure.verdict}
            for figure in figures
        ],
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    README.write_text(page(results))


def page(results: dict[str, dict[str, object]]) -> str:
    """The whole page, from the results file and the text that goes before it."""
    parts = [(HERE / "preface.md").read_text().rstrip()]
    for name, result in results.items():
        found = [
            Figure(f["name"], f["unit"], tuple(f["values"]), f["target"])
            for f in result["figures"]  # type: ignore[attr-defined]
        ]
        rows = [HEAD, ("---",) * len(HEAD), *(figure.row() for figure in found)]
        table = "\n".join("| " + " | ".join(row) + " |" for row in rows)
        parts.append(f"## {name}: {result['title']}\n\n{result['machine']}\n\n{table}")
    return "\n\n".join(parts) + "\n"


def machine() -> str:
    """What it ran on, in a line."""
    models = [
        line.partition(":")[2].strip()
        for line in _lines("/proc/cpuinfo")
        if line.startswith("model name")
    ]
    model = models[0] if models else platform.machine()
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores of {model}, {platform.system()}, Python "
        f"{platform.python_version()}; load average at the end {load:.1f}."
    )


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"

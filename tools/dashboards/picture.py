"""Pictures of the boards, drawn from a Prometheus: for documents, where no Grafana can run.

``python -m tools.dashboards.picture --prometheus URL --out docs/images`` asks the queries of each
panel and draws them where the board's grid has them. The picture says that it is not Grafana's.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import matplotlib as mpl

from simtraffic.clock import unix_ns
from tools.dashboards.build import COLUMNS, PROVIDER_COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

BOARDS = Path(__file__).resolve().parents[2] / "config/grafana/dashboards"
WIDTH_PX, ROW_PX, DPI = 1280, 38, 100
GROUND, PANEL, INK, FAINT = "#111217", "#181b1f", "#ccccdc", "#7b7f8a"
COLOURS = ("#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#e02f44", "#8ab8ff", "#ffa6b0")
_MACROS = {"$__rate_interval": "40s", "$__range": "15m", "$__interval": "10s"}


def filled(expression: str, **variables: str) -> str:
    """A panel's query with Grafana's macros and the board's variables filled in.

    A variable that is not given means all, as the boards' ``allValue`` has it.
    """
    for macro, value in _MACROS.items():
        expression = expression.replace(macro, value)
    return re.sub(
        r"\$(service|environment|provider|model|run|instance)\b",
        lambda found: variables.get(found[1], ".*"),
        expression,
    )


class Source:
    """A Prometheus and a stretch of time."""

    def __init__(self, url: str, end_s: float, minutes: float) -> None:
        """``end_s`` in Unix seconds."""
        self.url, self.end_s, self.start_s = url, end_s, end_s - 60 * minutes

    def series(self, expression: str) -> list[tuple[dict[str, str], list[float], list[float]]]:
        """Labels, times in Unix seconds and values of each series."""
        answer = httpx.get(
            f"{self.url}/api/v1/query_range",
            params={
                "query": filled(expression),
                "start": self.start_s,
                "end": self.end_s,
                "step": max(5.0, (self.end_s - self.start_s) / 180),
            },
            timeout=60,
        ).raise_for_status()
        return [
            (
                each["metric"],
                [float(time) for time, _ in each["values"]],
                [float(value) for _, value in each["values"]],
            )
            for each in answer.json()["data"]["result"]
        ]


def draw(board: dict[str, Any], source: Source, out: Path) -> None:
    """One picture of a board."""
    panels = [panel for panel in board["panels"] if panel["type"] != "logs"]
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    height = rows * ROW_PX + 70
    figure = plt.figure(figsize=(WIDTH_PX / DPI, height / DPI), dpi=DPI, facecolor=GROUND)
    figure.text(0.012, 1 - 22 / height, board["title"], color=INK, fontsize=14, va="center")
    note = "drawn from Prometheus by simtraffic, not by Grafana"
    figure.text(0.988, 1 - 22 / height, note, color=FAINT, fontsize=8, ha="right", va="center")
    for panel in panels:
        place = panel["gridPos"]
        left = place["x"] / COLUMNS + 0.006
        bottom = 1 - (45 + (place["y"] + place["h"]) * ROW_PX - 8) / height
        size = (place["w"] / COLUMNS - 0.012, (place["h"] * ROW_PX - 12) / height)
        frame = figure.add_axes((left, bottom, *size), facecolor=PANEL)
        frame.set(xticks=[], yticks=[])
        for spine in frame.spines.values():
            spine.set_color("#2a2d33")
        frame.text(
            *(0.02, 1 - 14 / (place["h"] * ROW_PX)),
            panel["title"],
            color=INK,
            fontsize=8.5,
            va="center",
            transform=frame.transAxes,
        )
        drawers = {"stat": _stat, "bargauge": _bars, "table": _bars}
        drawers.get(panel["type"], _lines)(figure, frame, (left, bottom, *size), panel, source)
    figure.savefig(out, facecolor=GROUND)
    plt.close(figure)


def _named(panel: dict[str, Any], target: dict[str, Any], labels: dict[str, str]) -> str:
    legend = target.get("legendFormat", "__auto")
    if legend == "__auto":
        return (
            " ".join(value for key, value in labels.items() if key != "__name__") or panel["title"]
        )
    return re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), legend)


def _written(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value * 100:.2f} %"
    if unit == "currencyUSD":
        return f"${value:,.2f}" if value >= 0.1 else f"${value:.4f}"
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"
    if unit == "bytes":
        return f"{value / 2**20:,.0f} MiB"
    tail = {"reqps": " /s", "ops": " /s", "ms": " ms"}.get(unit, "")
    return (
        f"{value:,.0f}{tail}" if abs(value) >= 100 or value == int(value) else f"{value:.2f}{tail}"
    )


def _threshold(panel: dict[str, Any]) -> float | None:
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    return float(steps[1]["value"]) if len(steps) > 1 else None


def _stat(_figure: Any, frame: Any, _at: Any, panel: dict[str, Any], source: Source) -> None:
    found = source.series(panel["targets"][0]["expr"])
    value = found[0][2][-1] if found else None
    unit = panel["fieldConfig"]["defaults"]["unit"]
    limit = _threshold(panel)
    colour = INK if limit is None else "#73bf69"
    if limit is not None and value is not None and value > limit:
        colour = "#f2495c"
    text = "no data" if value is None else _written(value, unit)
    frame.text(
        0.5,
        0.42,
        text,
        color=colour,
        fontsize=19,
        ha="center",
        va="center",
        transform=frame.transAxes,
    )


def _bars(figure: Any, _frame: Any, at: Any, panel: dict[str, Any], source: Source) -> None:
    target = panel["targets"][0]
    rows = [(_named(panel, target, m), v[-1]) for m, _, v in source.series(target["expr"]) if v]
    rows = sorted(rows, key=lambda row: row[1])[-10:]
    left, bottom, width, height = at
    axes = figure.add_axes(
        (left + width * 0.4, bottom + height * 0.06, width * 0.45, height * 0.76), facecolor=PANEL
    )
    unit = panel["fieldConfig"]["defaults"]["unit"]
    colours = [_colour(name, n) for n, (name, _) in enumerate(rows)]
    axes.barh([name for name, _ in rows], [value for _, value in rows], color=colours, height=0.6)
    for number, (_, value) in enumerate(rows):
        axes.text(value, number, f" {_written(value, unit)}", color=INK, fontsize=7, va="center")
    axes.tick_params(colors=INK, labelsize=7, length=0)
    axes.set_xticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _lines(figure: Any, _frame: Any, at: Any, panel: dict[str, Any], source: Source) -> None:
    left, bottom, width, height = at
    axes = figure.add_axes(
        (left + width * 0.1, bottom + height * 0.27, width * 0.87, height * 0.58), facecolor=PANEL
    )
    drawn = [
        (_named(panel, target, labels), times, values)
        for target in panel["targets"]
        for labels, times, values in source.series(target["expr"])
    ]
    if panel["type"] == "heatmap":
        _heat(axes, drawn)
    else:
        for number, (name, times, values) in enumerate(sorted(drawn)):
            axes.plot(times, values, color=_colour(name, number), linewidth=1.3, label=name)
        handles, names = axes.get_legend_handles_labels()
        axes.legend(
            handles[:9],
            names[:9],
            loc="upper left",
            bbox_to_anchor=(-0.08, -0.13),
            ncol=3,
            fontsize=6,
            frameon=False,
            labelcolor=INK,
            handlelength=1.2,
            columnspacing=1.2,
        )
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        limit = _threshold(panel)
        if limit is not None and limit <= axes.get_ylim()[1] * 3:
            axes.axhline(limit, color="#f2495c", linewidth=1, linestyle="--")
        unit = panel["fieldConfig"]["defaults"]["unit"]
        axes.yaxis.set_major_formatter(lambda value, _: _written(value, unit))
    axes.set_xlim(source.start_s, source.end_s)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(
        lambda value, _: datetime.fromtimestamp(value, UTC).strftime("%H:%M")
    )
    axes.tick_params(colors=FAINT, labelsize=6.5, length=2)
    axes.grid(color="#2a2d33", linewidth=0.6)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _heat(axes: Any, drawn: list[tuple[str, list[float], list[float]]]) -> None:
    """Cumulative buckets as counts of each, darker where there are more."""
    rows = sorted(drawn, key=lambda row: float(row[0]))
    rows = [row for row in rows if row[1] == rows[0][1]]
    below = [0.0] * len(rows[0][1]) if rows else []
    cells = []
    for _, _, values in rows:
        cells.append([now - then for now, then in zip(values, below, strict=True)])
        below = values
    if cells:
        axes.pcolormesh(rows[0][1], range(len(rows)), cells, cmap="inferno", shading="nearest")
        shown = range(0, len(rows), 2)
        axes.set_yticks(list(shown), [rows[n][0] for n in shown])


def _colour(name: str, number: int) -> str:
    return PROVIDER_COLOURS.get(name.partition("/")[0], COLOURS[number % len(COLOURS)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw all boards, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tools.dashboards.picture")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", metavar="URL")
    parser.add_argument("--out", type=Path, default=Path("out/images"), metavar="DIR")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("boards", nargs="*", help="such as simtraffic-overview; default: all")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    source = Source(options.prometheus, unix_ns() / 1e9, options.minutes)
    for path in sorted(BOARDS.glob("*.json")):
        if not options.boards or path.stem in options.boards:
            board = json.loads(path.read_text(encoding="utf-8"))
            draw(board, source, options.out / f"{path.stem}.png")
            sys.stdout.write(f"{options.out / path.stem}.png\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

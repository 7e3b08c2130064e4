"""Draws the panels of a board with matplotlib, each in the way of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.ticker import MaxNLocator

from tools.dashboards.looks import (
    FAINT,
    GRID,
    INK,
    PANEL,
    colour_of,
    coloured,
    defaults,
    step_colour,
    steps,
    written,
)

mpl.use("Agg")

from collections.abc import Sequence

if TYPE_CHECKING:
    from tools.dashboards.source import Drawn

_TITLE_PX, _LINE_PX, _LETTER_PX = 26, 15, 5.6
_MOST_ROWS = 16


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch that an annotation marks, in Unix seconds."""

    start_s: float
    end_s: float
    colour: str


@dataclass(frozen=True, slots=True)
class Place:
    """A panel's frame within the figure, and its size in pixels."""

    figure: Any
    frame: Any
    left: float
    bottom: float
    width: float
    height: float
    width_px: float
    height_px: float

    def axes(self, left: float, bottom: float, right: float, top: float) -> Any:
        """Axes inside the frame; distances from its four sides in pixels."""
        return self.figure.add_axes(
            (
                self.left + self.width * left / self.width_px,
                self.bottom + self.height * bottom / self.height_px,
                self.width * max(0.05, 1 - (left + right) / self.width_px),
                self.height * max(0.05, 1 - (bottom + top) / self.height_px),
            ),
            facecolor="none",
        )

    def write(self, x_px: float, y_px: float, text: str, **more: Any) -> None:
        """Text at pixels from the left and the top."""
        style = {"color": INK, "fontsize": 7, "va": "center", **more}
        self.frame.text(
            *(x_px / self.width_px, 1 - y_px / self.height_px),
            text,
            transform=self.frame.transAxes,
            **style,
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A panel, what its queries gave by the names of its legend, and the time shown."""

    panel: dict[str, Any]
    series: Sequence[tuple[str, Drawn]]
    start_s: float
    end_s: float
    step_s: float
    regions: Sequence[Region] = ()

    @property
    def unit(self) -> str:
        """What its values are in."""
        return str(defaults(self.panel).get("unit", "short"))


def draw_panel(place: Place, answered: Answered) -> None:
    """The panel in its frame, by its type; one that is not known says so."""
    drawers = {
        "stat": _stat,
        "gauge": _stat,
        "singlestat": _stat,
        "bargauge": _bars,
        "table": _table,
        "heatmap": _heat,
        "state-timeline": _states,
        "timeseries": _lines,
        "graph": _lines,
    }
    kind = answered.panel.get("type", "")
    if kind not in drawers:
        place.write(place.width_px / 2, place.height_px / 2, f"{kind}: not drawn", color=FAINT,
                    ha="center")  # fmt: skip
    elif answered.series:
        drawers[kind](place, answered)
    else:
        word = defaults(answered.panel).get("noValue", "No data")
        place.write(place.width_px / 2, place.height_px / 2, word, color=FAINT, fontsize=10,
                    ha="center")  # fmt: skip


def _stat(place: Place, answered: Answered) -> None:
    """The last value, its past below it as a sparkline, coloured by its thresholds."""
    panel = answered.panel
    _, (_, times, values) = answered.series[0]
    options = panel.get("options", {})
    colour = step_colour(panel, values[-1]) or "#73bf69"
    mode = options.get("colorMode", "value")
    if mode == "background":
        place.frame.set_facecolor(colour)
        place.write(8, 14, panel.get("title", ""), color="white", fontsize=8.5)
    ink = {"background": "white", "none": INK}.get(mode, colour)
    line = options.get("graphMode") == "area" and len(values) > 1
    if line:
        axes = place.axes(1, 1, 1, place.height_px * 0.58)
        shown = "white" if mode == "background" else colour if mode == "value" else FAINT
        axes.fill_between(times, values, min(values), color=shown, alpha=0.22, linewidth=0)
        axes.plot(times, values, color=shown, linewidth=1.1)
        axes.set_xlim(answered.start_s, answered.end_s)
        axes.axis("off")
    place.write(
        place.width_px / 2,
        place.height_px * (0.45 if line else 0.58),
        written(values[-1], answered.unit),
        color=ink,
        fontsize=20,
        ha="center",
    )


def _bars(place: Place, answered: Answered) -> None:
    rows = [(name, values[-1]) for name, (_, _, values) in answered.series][:_MOST_ROWS]
    axes = place.axes(place.width_px * 0.36, 8, place.width_px * 0.14, _TITLE_PX + 4)
    colours = coloured(answered.panel, [name for name, _ in rows])
    names = [name for name, _ in reversed(rows)]
    values = [value for _, value in reversed(rows)]
    axes.barh(range(len(rows)), values, color=[colours[name] for name in names], height=0.6)
    for number, value in enumerate(values):
        axes.text(value, number, f" {written(value, answered.unit)}", color=INK, fontsize=7,
                  va="center")  # fmt: skip
    axes.set_yticks(range(len(rows)), names)
    axes.set_xticks([])
    _plain(axes, INK)


def _table(place: Place, answered: Answered) -> None:
    """Rows under the names that the transformation gives to the columns."""
    options: dict[str, Any] = {}
    for each in answered.panel.get("transformations", ()):
        if each.get("id") == "organize":
            options = each.get("options", {})
    hidden = {name for name, out in options.get("excludeByName", {}).items() if out}
    order = options.get("indexByName", {})
    labels = {key for _, (metric, _, _) in answered.series for key in metric} | {"Value"}
    columns = sorted(labels - hidden - {"__name__"}, key=lambda c: (order.get(c, 99), c))
    width = place.width_px / max(1, len(columns))
    names = options.get("renameByName", {})
    for number, column in enumerate(columns):
        place.write(10 + number * width, _TITLE_PX + 12, names.get(column, column),
                    color="#6e9fff", fontweight="bold")  # fmt: skip
    decimals = defaults(answered.panel).get("decimals")
    fitting = int((place.height_px - _TITLE_PX - 24) / 17)
    for line, (_, (metric, _, values)) in enumerate(answered.series[:fitting]):
        y = _TITLE_PX + 30 + line * 17
        for number, column in enumerate(columns):
            last = values[-1]
            shown = f"{last:,.0f}" if decimals == 0 else written(last, answered.unit)
            text = shown if column == "Value" else metric.get(column, "")
            place.write(10 + number * width, y, text)


def _states(place: Place, answered: Answered) -> None:
    """A row for each series, a band for each stretch of one value."""
    named = {
        value: said
        for mapping in defaults(answered.panel).get("mappings", ())
        for value, said in mapping.get("options", {}).items()
    }
    rows = sorted(answered.series, key=lambda row: row[0])[:_MOST_ROWS]
    longest = max(len(name) for name, _ in rows)
    axes = place.axes(min(place.width_px * 0.3, 14 + longest * _LETTER_PX), 34, 12, _TITLE_PX + 4)
    for number, (_, (_, times, values)) in enumerate(rows):
        for start, end, value in bands(times, values, answered.step_s):
            said = named.get(f"{value:g}", {})
            axes.barh(number, end - start, left=start, height=0.8, linewidth=0,
                      color=colour_of(said.get("color", "blue")))  # fmt: skip
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    _clock(axes, answered)
    _plain(axes, INK)
    x = 12.0
    for said in named.values():
        if colour_of(said.get("color", "")) != "none":
            place.write(x, place.height_px - 10, "■", color=colour_of(said["color"]))
            place.write(x + 10, place.height_px - 10, said["text"], fontsize=6.5)
            x += 30 + len(said["text"]) * _LETTER_PX


def bands(
    times: Sequence[float], values: Sequence[float], step_s: float
) -> list[tuple[float, float, float]]:
    """Start, end and value of each stretch in which a series is there and does not change."""
    made: list[tuple[float, float, float]] = []
    for time, value in zip(times, values, strict=True):
        if made and made[-1][2] == value and time - made[-1][1] <= 0.5 * step_s:
            made[-1] = (made[-1][0], time + step_s, value)
        else:
            made.append((time, time + step_s, value))
    return made


def _lines(place: Place, answered: Answered) -> None:
    panel = answered.panel
    custom = defaults(panel).get("custom", {})
    rows = sorted(answered.series, key=lambda row: row[0])
    colours = coloured(panel, [name for name, _ in rows])
    axes = place.axes(58, 22 + _legend(place, answered, rows, colours), 12, _TITLE_PX + 6)
    if custom.get("stacking", {}).get("mode") == "normal":
        _stack(axes, rows, colours)
    else:
        for name, (_, times, values) in rows:
            axes.plot(*broken(times, values, answered.step_s), color=colours[name], linewidth=1.4)
    if custom.get("scaleDistribution", {}).get("type") == "symlog":
        axes.set_yscale("symlog", linthresh=custom["scaleDistribution"].get("linearThreshold", 1))
    _bounds(axes, panel, custom)
    for region in answered.regions:
        axes.axvspan(region.start_s, region.end_s, color=region.colour, alpha=0.02, linewidth=0)
        axes.axvspan(
            region.start_s, region.end_s, 0, 0.018, color=region.colour, alpha=0.5, linewidth=0
        )
        for edge in (region.start_s, region.end_s):
            axes.axvline(edge, color=region.colour, alpha=0.55, linewidth=0.7, linestyle=":")
    axes.yaxis.set_major_formatter(lambda value, _: written(value, answered.unit))
    _clock(axes, answered)
    axes.grid(color=GRID, linewidth=0.6)
    _plain(axes, FAINT)


def _bounds(axes: Any, panel: dict[str, Any], custom: dict[str, Any]) -> None:
    """Where the axis ends, and the thresholds that are drawn on it."""
    low, high = axes.get_ylim()
    least, most = defaults(panel).get("min"), defaults(panel).get("max")
    low = min(low, custom.get("axisSoftMin", low)) if least is None else least
    high = max(high, custom.get("axisSoftMax", high)) if most is None else most
    if custom.get("thresholdsStyle", {}).get("mode", "off") != "off":
        found = steps(panel)
        high_is_bad = not found or found[0][1] == colour_of("green")
        for number, (value, colour) in enumerate(found):
            if value is not None and value <= high * 3:
                line = colour if high_is_bad else found[number - 1][1]
                axes.axhline(value, color=line, linewidth=1, linestyle="--")
                high = max(high, value * 1.05)
    axes.set_ylim(low, high if high > low else low + 1)


def _stack(axes: Any, rows: Sequence[tuple[str, Drawn]], colours: dict[str, str]) -> None:
    everywhere = sorted({time for _, (_, times, _) in rows for time in times})
    below = [0.0] * len(everywhere)
    for name, (_, times, values) in rows:
        known = dict(zip(times, values, strict=True))
        above = [
            base + (known.get(time) or 0.0) for time, base in zip(everywhere, below, strict=True)
        ]
        axes.fill_between(everywhere, below, above, color=colours[name], alpha=0.3, linewidth=0)
        axes.plot(everywhere, above, color=colours[name], linewidth=1.2)
        below = above


def broken(
    times: Sequence[float], values: Sequence[float], step_s: float
) -> tuple[list[float], list[float]]:
    """The line with a gap where a series was not there."""
    xs: list[float] = []
    ys: list[float] = []
    for time, value in zip(times, values, strict=True):
        if xs and time - xs[-1] > 1.5 * step_s:
            xs.append(time - step_s)
            ys.append(float("nan"))
        xs.append(time)
        ys.append(value)
    return xs, ys


def _legend(
    place: Place,
    answered: Answered,
    rows: Sequence[tuple[str, Drawn]],
    colours: dict[str, str],
) -> float:
    """Names under the plot, with values where the board wants a table; gives its height."""
    options = answered.panel.get("options", {}).get("legend", {})
    if not options.get("showLegend", True):
        return 0.0
    if options.get("displayMode") == "table":
        shown = rows[: max(1, int(place.height_px * 0.4 / _LINE_PX) - 1)]
        top = place.height_px - _LINE_PX * (len(shown) + 1) - 2
        right = place.width_px - 12
        for x, head in ((right - 80, "Last *"), (right, "Max")):
            place.write(x, top + 6, head, color="#6e9fff", fontsize=6.5, ha="right")
        for number, (name, (_, _, values)) in enumerate(shown, start=1):
            y = top + 6 + number * _LINE_PX
            _key(place, 12, y, name, colours[name])
            for x, value in ((right - 80, values[-1]), (right, max(values))):
                place.write(x, y, written(value, answered.unit), fontsize=6.5, ha="right")
        return _LINE_PX * (len(shown) + 1) + 4
    placed, x, line = [], 12.0, 0
    for name, _ in rows:
        width = 26 + len(name) * _LETTER_PX
        if x + width > place.width_px and x > 12:
            x, line = 12.0, line + 1
        if line < 3:
            placed.append((x, line, name))
        x += width
    lines = min(line, 2) + 1
    for x, line, name in placed:
        _key(place, x, place.height_px - (lines - line) * _LINE_PX + 5, name, colours[name])
    return lines * _LINE_PX + 2


def _key(place: Place, x_px: float, y_px: float, name: str, colour: str) -> None:
    place.write(x_px, y_px, "━", color=colour, fontsize=8)
    place.write(x_px + 13, y_px, name, fontsize=6.5)


def _heat(place: Place, answered: Answered) -> None:
    """Cumulative buckets as counts of each, brighter where there are more."""
    rows = sorted((float(name), drawn) for name, drawn in answered.series)
    everywhere = sorted({time for _, (_, times, _) in rows for time in times})
    below = [0.0] * len(everywhere)
    cells = []
    for _, (_, times, values) in rows:
        known = dict(zip(times, values, strict=True))
        here = [known.get(t, b) for t, b in zip(everywhere, below, strict=True)]
        cells.append([max(0.0, now - then) or float("nan")
                      for now, then in zip(here, below, strict=True)])  # fmt: skip
        below = here
    axes = place.axes(58, 26, 12, _TITLE_PX + 6)
    axes.pcolormesh(everywhere, range(len(rows)), cells, cmap="Oranges_r", shading="nearest")
    ticks = range(0, len(rows), 2)
    axes.set_yticks(list(ticks), [f"{rows[n][0]:g}" for n in ticks])
    _clock(axes, answered)
    _plain(axes, FAINT)


def _clock(axes: Any, answered: Answered) -> None:
    axes.set_xlim(answered.start_s, answered.end_s)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(
        lambda value, _: datetime.fromtimestamp(value, UTC).strftime("%H:%M")
    )


def _plain(axes: Any, ink: str) -> None:
    axes.tick_params(colors=ink, labelsize=6.5, length=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def framed(figure: Any, at: tuple[float, float, float, float], px: tuple[float, float]) -> Place:
    """A panel's empty frame; ``at`` in shares of the figure, ``px`` its size in pixels."""
    frame = figure.add_axes(at, facecolor=PANEL)
    frame.set(xticks=[], yticks=[])
    for spine in frame.spines.values():
        spine.set_color(GRID)
    return Place(figure, frame, *at, *px)

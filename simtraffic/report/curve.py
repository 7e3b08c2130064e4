"""A rate over time, drawn with block characters: the big picture of a plan, the small one of a run.

Each column shows the highest rate of its stretch, so that a short spike is never lost.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from simtraffic.result.plan import CurvePoint

if TYPE_CHECKING:
    from simtraffic.scenario import Load

_BLOCKS = " ▁▂▃▄▅▆▇█"
_EIGHTHS = 8
# Distances between the marks of a time axis, in seconds.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


def points_of(load: Load, duration_ns: int | None = None) -> tuple[CurvePoint, ...]:
    """The asked rate of a scenario's load as straight lines; two points at a moment are a step.

    With a ``duration_ns`` the curve is cut there, or holds its last rate until then.
    """
    points = [CurvePoint(0.0, load.start)]
    now, end = 0.0, math.inf if duration_ns is None else duration_ns / 1e9
    for stage in load.stages:
        begin, now = now, now + stage.duration_ns / 1e9
        first = points[-1].rate if stage.rate is None else stage.rate
        # A stage has one of the two, which the scenario's check has made sure of.
        last = (stage.target or 0.0) if stage.rate is None else stage.rate
        if first != points[-1].rate:
            points.append(CurvePoint(begin, first))
        if now >= end:
            share = (end - begin) / (now - begin) if now > begin else 1.0
            points.append(CurvePoint(end, first + share * (last - first)))
            return tuple(points)
        points.append(CurvePoint(now, last))
    if end < math.inf:
        points.append(CurvePoint(end, points[-1].rate))
    return tuple(points)


def highest(points: Sequence[CurvePoint], columns: int) -> list[float]:
    """The highest rate in each of ``columns`` equal stretches of the curve's time."""
    if not points:
        return [0.0] * columns
    start, end = points[0].seconds, points[-1].seconds
    times = [point.seconds for point in points]
    edges = [start + (end - start) * number / columns for number in range(columns + 1)]
    found = []
    for left, right in pairwise(edges):
        inside = points[bisect_right(times, left) : bisect_left(times, right)]
        ends = (_after(points, times, left), _before(points, times, right))
        found.append(max(*ends, *(point.rate for point in inside)))
    return found


def bars(values: Sequence[float], rows: int, peak: float, fill: str = "█") -> list[str]:
    """Lines of text, the highest first, in which each value is a column; ``peak`` fills it.

    The top of a column is drawn in eighths of a line, what is below it as ``fill``.
    """
    # What is above zero is seen, however small.
    heights = [
        max(1, round(value / peak * rows * _EIGHTHS)) if value > 0 and peak > 0 else 0
        for value in values
    ]
    lines = []
    for row in reversed(range(rows)):
        parts = [max(0, height - row * _EIGHTHS) for height in heights]
        lines.append("".join(_BLOCKS[part] if part <= _EIGHTHS else fill for part in parts))
    return lines


def axis_step(seconds: float, columns: int, apart: int = 12) -> float:
    """Seconds between marks of the axis so that they are at least ``apart`` columns apart."""
    least = seconds * apart / columns
    for step in _STEPS:
        if step >= least:
            return step
    return _STEPS[-1] * -(-least // _STEPS[-1])


def _after(points: Sequence[CurvePoint], times: list[float], moment: float) -> float:
    """The rate just after a moment."""
    number = bisect_right(times, moment) - 1
    if number + 1 >= len(points):
        return points[-1].rate
    return _between(points[number], points[number + 1], moment)


def _before(points: Sequence[CurvePoint], times: list[float], moment: float) -> float:
    """The rate just before a moment."""
    number = bisect_left(times, moment)
    if number == 0:
        return points[0].rate
    if number >= len(points):
        return points[-1].rate
    return _between(points[number - 1], points[number], moment)


def _between(left: CurvePoint, right: CurvePoint, moment: float) -> float:
    if right.seconds <= left.seconds:
        return right.rate
    share = (moment - left.seconds) / (right.seconds - left.seconds)
    return left.rate + share * (right.rate - left.rate)

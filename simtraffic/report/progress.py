"""How a run goes, while it goes: a live picture on a terminal, a line now and then elsewhere.

It draws what it is told (:class:`Snapshot`) on the stream it is given and asks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from simtraffic.clock import monotonic
from simtraffic.report import figures
from simtraffic.report.curve import bars, highest
from simtraffic.report.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import TextIO

    from rich.console import RenderableType

    from simtraffic.report.plan import CurvePoint
    from simtraffic.report.snapshot import SignalStand, Snapshot

LINE_EVERY_S = 5.0
_DRAW_EVERY_S = 0.2
_MARGIN = 2
_OUTCOMES = ("rejected", "failed", "dropped")


class ProgressView:
    """Shows snapshots of a run until it is left; then the live picture disappears.

    Args:
        stream: where to draw, standard error as a rule.
        live: whether it is a terminal that can be redrawn.
        name: the scenario's.
        curve: the asked rate over the run, for the small picture of it.
        now: seconds on a clock that never jumps; how often is drawn depends on it.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        live: bool,
        name: str,
        curve: Sequence[CurvePoint] = (),
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._stream = stream
        self._is_live = live
        self._name = name
        self._curve = curve
        self._now = now
        self._drawn_at: float | None = None
        self._live: Live | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def update(self, snapshot: Snapshot) -> None:
        """Show this state, unless another was shown just now; cheap to call every tick."""
        now = self._now()
        pause = _DRAW_EVERY_S if self._is_live else LINE_EVERY_S
        if self._drawn_at is not None and now - self._drawn_at < pause:
            return
        self._drawn_at = now
        if self._is_live:
            self._draw(snapshot)
        else:
            self._write(line(snapshot))

    def say(self, text: str) -> None:
        """A line for people, above the live picture."""
        if self._live is not None:
            self._live.console.print(Text(text))
        else:
            self._write(text)

    def close(self) -> None:
        """Take the live picture away and give the terminal back as it was."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _draw(self, snapshot: Snapshot) -> None:
        if self._live is None:
            console = Console(file=self._stream, highlight=False, emoji=False, markup=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.start()
        width = self._live.console.width
        self._live.update(picture(snapshot, self._name, self._curve, width), refresh=True)

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def line(snapshot: Snapshot) -> str:
    """One state in one line, for logs."""
    parts = [
        f"{_position(snapshot)} {_stage(snapshot)}",
        f"asked {figures.rate(snapshot.asked_rate)}, reached {figures.rate(snapshot.reached_rate)}",
        f"{snapshot.requests:,} requests, {figures.share(snapshot.error_share)} failed",
        f"{figures.short(snapshot.spans_per_second)} spans/s",
        *(_in_words(name, stand) for name, stand in snapshot.signals.items()),
        f"lateness p99 {_milliseconds(snapshot.lateness_p99_ms)}"
        f" max {_milliseconds(snapshot.lateness_max_ms)}",
    ]
    if snapshot.incidents:
        parts.append("incident " + ", ".join(snapshot.incidents))
    return "; ".join(parts)


def picture(
    snapshot: Snapshot, name: str, curve: Sequence[CurvePoint], width: int
) -> RenderableType:
    """One state as a drawing for a terminal of this many columns."""
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append(name, style="bold")
    head.append(f"  {_stage(snapshot)}  ", style="cyan")
    head.append(_position(snapshot))
    if snapshot.incidents:
        head.append(f"  incident {', '.join(snapshot.incidents)}", style="bold red")
    rates = Text(no_wrap=True, overflow="ellipsis")
    rates.append(f"asked {figures.rate(snapshot.asked_rate)}  ")
    rates.append(f"reached {figures.rate(snapshot.reached_rate)}  ", style="bold")
    rates.append(f"requests {snapshot.requests:,}  ")
    rates.append(f"failed {figures.share(snapshot.error_share)}  ")
    rates.append(f"{figures.short(snapshot.spans_per_second)} spans/s")
    late = Text(
        f"lateness p99 {_milliseconds(snapshot.lateness_p99_ms)},"
        f" max {_milliseconds(snapshot.lateness_max_ms)};"
        f" {figures.size(snapshot.queued_bytes)} queued",
        style="dim",
        no_wrap=True,
        overflow="ellipsis",
    )
    return Group(head, *_small_curve(snapshot, curve, width), rates, _balance(snapshot), late)


def _small_curve(snapshot: Snapshot, curve: Sequence[CurvePoint], width: int) -> list[Text]:
    """The asked rate, what is past bright, and a mark below where the run stands."""
    if not curve or snapshot.duration_ns <= 0:
        return []
    columns = max(10, width - _MARGIN)
    values = highest(curve, columns)
    drawn = bars(values, 2, max(values))
    done = snapshot.elapsed_ns / snapshot.duration_ns
    at = min(columns - 1, int(done * columns))
    lines = [Text(row[: at + 1], style="cyan").append(row[at + 1 :], style="dim") for row in drawn]
    return [*lines, Text(" " * at + "▲", style="bold")]


def _balance(snapshot: Snapshot) -> RenderableType:
    drawn = table("", "generated", "accepted", "rejected", "failed", "dropped", "queued")
    for name, stand in snapshot.signals.items():
        lost = [
            Text(
                f"{getattr(stand, outcome):,}", style="bold red" if getattr(stand, outcome) else ""
            )
            for outcome in _OUTCOMES
        ]
        drawn.add_row(
            name, f"{stand.generated:,}", f"{stand.accepted:,}", *lost, f"{stand.queued:,}"
        )
    return drawn


def _in_words(name: str, stand: SignalStand) -> str:
    words = f"{name} {stand.accepted:,} of {stand.generated:,} accepted"
    lost = [(outcome, getattr(stand, outcome)) for outcome in _OUTCOMES]
    return words + "".join(f", {count:,} {outcome}" for outcome, count in lost if count)


def _stage(snapshot: Snapshot) -> str:
    """The stage; after the last one requests that are under way come to their end."""
    return "draining" if snapshot.draining else snapshot.stage or "last requests end"


def _position(snapshot: Snapshot) -> str:
    elapsed, duration = snapshot.elapsed_ns / 1e9, snapshot.duration_ns / 1e9
    return f"{figures.clock(elapsed)} of {figures.clock(duration)}"


def _milliseconds(value: float | None) -> str:
    return figures.seconds(None if value is None else value / 1e3)

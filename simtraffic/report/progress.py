"""How a run goes, while it goes: a live picture on a terminal, a line now and then elsewhere.

It draws what it is told (:class:`Snapshot`) on the stream it is given and asks nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.text import Text

from simtraffic import figures
from simtraffic.clock import monotonic
from simtraffic.report.curve import bars, highest
from simtraffic.report.live_picture import LivePicture
from simtraffic.report.tables import table

if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from rich.console import RenderableType

    from simtraffic.ledger import SignalCounts
    from simtraffic.result.plan import CurvePoint
    from simtraffic.result.snapshot import Snapshot

LINE_EVERY_S = 5.0
"""Between two lines in the first minute, while somebody may look on."""
LATER_EVERY_S = 30.0
"""Between two lines after that, so that the log of a long run can be read."""
_FIRST_S = 60.0
_LATE_MS = 1000.0
"""A lateness beyond this is told in colour: the generator does not keep up."""
_OUTCOMES = ("rejected", "failed", "dropped")


class ProgressView:
    """Shows snapshots of a run until it is left; then the live picture disappears.

    Args:
        stream: where to draw, standard error as a rule.
        live: whether it is a terminal that can be redrawn.
        name: the scenario's.
        curve: the asked rate over the run, for the small picture of it.
        now: seconds on a clock that never jumps; how often a line comes depends on it.
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
        self._began_at: float | None = None
        self._written_at = 0.0
        self._snapshot: Snapshot | None = None
        self._live: LivePicture | None = None
        self._trouble = ""
        self.note = ""
        """Stands in the live picture, from its next drawing on; safe to set in a signal handler."""

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
        """Show this state; cheap to call every tick."""
        self._snapshot = snapshot
        if snapshot.trouble != self._trouble:
            self._trouble = snapshot.trouble
            if snapshot.trouble and not self._is_live:
                self._write(snapshot.trouble)
        if self._is_live:
            if self._live is None:
                self._live = LivePicture(self._stream, self._picture)
                self._live.open()
            return
        now = self._now()
        if self._began_at is None:
            self._began_at = self._written_at = now
        if now - self._written_at < self._pause(now):
            return
        self._written_at = now
        self._write(line(snapshot))

    def say(self, text: str) -> None:
        """A line for people, above the live picture."""
        if self._is_live:
            text = _wrapped(text, Console(file=self._stream).width)
        if self._live is not None:
            self._live.say(text)
        else:
            self._write(text)

    def close(self) -> None:
        """Take the live picture away and give the terminal back as it was."""
        if self._live is not None:
            live, self._live = self._live, None
            live.close()
            if self.note:
                self._write(self.note)

    def leave(self) -> None:
        """Take the live picture away from inside a signal handler, whatever is going on."""
        if self._live is not None:
            self._live.leave()

    def _pause(self, now: float) -> float:
        assert self._began_at is not None
        return LINE_EVERY_S if now - self._began_at <= _FIRST_S else LATER_EVERY_S

    def _picture(self, width: int) -> RenderableType:
        assert self._snapshot is not None
        drawn = picture(self._snapshot, self._name, self._curve, width)
        return Group(drawn, Text(self.note, style="bold yellow")) if self.note else drawn

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


def _wrapped(text: str, width: int) -> str:
    """In lines that a terminal need not break inside a word; an address is never broken."""
    return fill(
        text,
        max(width, 1),
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def line(snapshot: Snapshot) -> str:
    """One state in one short line, for logs."""
    signals = snapshot.signals.values()
    generated = sum(one.generated for one in signals)
    accepted = sum(one.accepted for one in signals)
    parts = [
        f"{_position(snapshot)}, {_percent(snapshot)}, {_stage(snapshot)}",
        _rates(snapshot),
        f"{figures.share(snapshot.error_share)} failed",
        f"{accepted:,} of {generated:,} accepted",
        *_losses(snapshot),
    ]
    if snapshot.factor:
        parts.append(f"late {_milliseconds(snapshot.lateness_p99_ms)}")
    if snapshot.incidents:
        parts.append("incident " + ", ".join(snapshot.incidents))
    return "; ".join(parts)


def balance(snapshot: Snapshot) -> str:
    """One state with everything that is counted, in one line: the last words of a run."""
    parts = [
        f"{_position(snapshot)} {_stage(snapshot)}",
        f"{snapshot.requests:,} requests, {figures.share(snapshot.error_share)} failed",
        *(_in_words(name, counts) for name, counts in snapshot.signals.items()),
    ]
    return "; ".join(parts)


def picture(
    snapshot: Snapshot, name: str, curve: Sequence[CurvePoint], width: int
) -> RenderableType:
    """One state as a drawing for a terminal of this many columns."""
    return Group(
        _head(snapshot, name),
        *_incidents(snapshot),
        *_small_curve(snapshot, curve, width),
        Text(f"{_rates(snapshot)}  {_failures(snapshot)}"),
        *_balance(snapshot, width),
        *_standing(snapshot),
        *([Text(snapshot.trouble, style="bold red")] if snapshot.trouble else []),
    )


def _head(snapshot: Snapshot, name: str) -> Text:
    head = Text(name, style="bold")
    head.append(f"  {_stage(snapshot)}  ", style="not bold cyan")
    head.append(f"{_position(snapshot)}  {_percent(snapshot)}", style="not bold")
    if snapshot.left_s is not None:
        head.append(f"  {figures.clock(snapshot.left_s)} left", style="not bold dim")
    return head


def _incidents(snapshot: Snapshot) -> list[Text]:
    if not snapshot.incidents:
        return []
    noun = "incident" if len(snapshot.incidents) == 1 else "incidents"
    return [Text(f"{noun} {', '.join(snapshot.incidents)}", style="bold red")]


def _small_curve(snapshot: Snapshot, curve: Sequence[CurvePoint], width: int) -> list[Text]:
    """The asked rate, what is past bright, and a mark below where the run stands."""
    if not curve or snapshot.duration_ns <= 0:
        return []
    columns = max(1, width)
    values = highest(curve, columns)
    peak = max(values)
    # A rate that is held all the time is a line rather than a wall.
    drawn = bars(values, 1, 2 * peak) if min(values) == peak else bars(values, 2, peak)
    at = min(columns - 1, int(snapshot.done * columns))
    lines = [
        Text(row[: at + 1], style="cyan", no_wrap=True, overflow="crop").append(
            row[at + 1 :], style="dim"
        )
        for row in drawn
    ]
    return [*lines, Text(" " * at + "▲", style="bold", no_wrap=True, overflow="crop")]


def _rates(snapshot: Snapshot) -> str:
    """Of what was asked for how much is reached; at full speed nothing is asked for."""
    if not snapshot.factor:
        return f"{snapshot.requests:,} requests, {figures.short(snapshot.spans_per_second)} spans/s"
    return (
        f"reached {figures.rate(snapshot.reached_rate)} of {figures.rate(snapshot.expected_rate)}"
    )


def _failures(snapshot: Snapshot) -> str:
    failed = f"failed {figures.share(snapshot.error_share)}"
    if not snapshot.factor:
        return failed
    spans = figures.short(snapshot.spans_per_second)
    return f"requests {snapshot.requests:,}  {failed}  {spans} spans/s"


def _balance(snapshot: Snapshot, width: int) -> list[RenderableType]:
    """What became of everything; in words where there is no room for columns."""
    drawn = table("", "generated", "accepted", "queued", *_OUTCOMES)
    for name, counts in snapshot.signals.items():
        lost = [getattr(counts, outcome) for outcome in _OUTCOMES]
        drawn.add_row(
            Text(name),
            f"{counts.generated:,}",
            f"{counts.accepted:,}",
            f"{counts.queued:,}",
            *(Text(f"{count:,}", style="bold red" if count else "dim") for count in lost),
        )
    if drawn.natural_width <= width:
        return [drawn]
    return [Text(_in_words(name, counts)) for name, counts in snapshot.signals.items()]


def _standing(snapshot: Snapshot) -> list[Text]:
    queued = f"{figures.size(snapshot.queued_bytes)} queued"
    if not snapshot.factor:
        return [Text(queued, style="dim")]
    is_late = (snapshot.lateness_p99_ms or 0.0) > _LATE_MS
    late = (
        f"lateness p99 {_milliseconds(snapshot.lateness_p99_ms)},"
        f" max {_milliseconds(snapshot.lateness_max_ms)}; {queued}"
    )
    return [Text(late, style="yellow" if is_late else "dim")]


def _losses(snapshot: Snapshot) -> list[str]:
    lost = [
        f"{count:,} {name} {outcome}"
        for name, counts in snapshot.signals.items()
        for outcome in _OUTCOMES
        if (count := getattr(counts, outcome))
    ]
    return [", ".join(lost)] if lost else []


def _in_words(name: str, counts: SignalCounts) -> str:
    words = f"{name} {counts.accepted:,} of {counts.generated:,} accepted"
    lost = [(outcome, getattr(counts, outcome)) for outcome in _OUTCOMES]
    return words + "".join(f", {count:,} {outcome}" for outcome, count in lost if count)


def _stage(snapshot: Snapshot) -> str:
    """The stage; after the last one requests that are under way come to their end."""
    return "draining" if snapshot.draining else snapshot.stage or "last requests end"


def _position(snapshot: Snapshot) -> str:
    elapsed, duration = snapshot.elapsed_ns / 1e9, snapshot.duration_ns / 1e9
    position = f"{figures.clock(min(elapsed, duration))} of {figures.clock(duration)}"
    return position if snapshot.factor == 1 else f"{position} simulated"


def _percent(snapshot: Snapshot) -> str:
    # Rounded down: nothing is whole before it is.
    return f"{int(snapshot.done * 100)} %"


def _milliseconds(value: float | None) -> str:
    return figures.seconds(None if value is None else value / 1e3)

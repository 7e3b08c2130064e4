"""Through simulated time as fast as delivery takes it: a step of blocks is emitted at once."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.clock import monotonic

if TYPE_CHECKING:
    from simtraffic.conventions.frames import Frame
    from simtraffic.runner.playback import Playback
    from simtraffic.simulation.tables import Exchanges

MAX_OPEN_INTERVALS = 64
"""Collections that one step may span, so that sparse traffic does not fill memory with them."""


def full_speed(playback: Playback, until_ns: int | None = None) -> None:
    """Run through simulated time; delivery makes the simulation wait when it is full.

    Args:
        playback: goes on from where it stands.
        until_ns: leaves off at the last block that ends by then, counted from the start of the
            run; what is emitted later is held for whoever goes on. Without it, to the end.
    """
    counts = playback.counts
    # In simulated time nothing is ever late but on purpose, whatever the signal.
    counts.lateness.add_repeated(0, 1)
    last = len(playback.setup.blocks()) if until_ns is None else _blocks_until(playback, until_ns)
    seam_ns = None if until_ns is None else _start_ns(playback, last)
    step = playback.setup.step(playback.outlets.forms)
    while playback.position < last and not playback.is_over:
        began = monotonic()
        # Nothing of a step outlives it: while the next one is made, or this one waits for room in a
        # full queue, that would be tens of megabytes.
        parts = _parts(playback, playback.simulate(min(step, last - playback.position)))
        while parts:
            playback.emit(_measured(playback, parts.pop(0), seam_ns), block=True)
        counts.elapsed_ns = _start_ns(playback, playback.position)
        playback.collect_until(counts.elapsed_ns, block=True)
        _let_go(playback, counts.elapsed_ns)
        playback.turned(began)
        playback.watch()
    if until_ns is None or playback.is_over:
        _let_go(playback, None)
        playback.finish(block=True)


def _measured(playback: Playback, part: Exchanges, seam_ns: int | None) -> list[Frame]:
    """Count and measure what has happened; the rows of it that are emitted now."""
    playback.counts.add(part)
    frames = playback.emitter.ordered(playback.emitter.frames(part))
    if len(part):
        playback.collect_until(int(part.requests.due_ns[0]), block=True)
    playback.emitter.measure(frames)
    return _hold(playback, frames, seam_ns)


def _blocks_until(playback: Playback, until_ns: int) -> int:
    """How many of the shard's blocks end by this time."""
    setup = playback.setup
    ends = (setup.schedule.block_window(block)[1] for block in setup.blocks())
    return next((n for n, end_ns in enumerate(ends) if end_ns > until_ns), len(setup.blocks()))


def _start_ns(playback: Playback, position: int) -> int:
    """When the block at this position begins; the end of the schedule after the last one."""
    blocks, schedule = playback.setup.blocks(), playback.setup.schedule
    if position >= len(blocks):
        return schedule.duration_ns
    return schedule.block_window(blocks[position])[0]


def _hold(playback: Playback, frames: list[Frame], seam_ns: int | None) -> list[Frame]:
    """The rows that are emitted now.

    Those that are late on purpose are kept, and before a seam those that end behind it.
    """
    imperfect = playback.emitter.imperfect
    if seam_ns is None and (imperfect is None or not imperfect.delays):
        return frames
    now = []
    for frame in frames:
        emit_ns = imperfect.emit_ns(frame) if imperfect is not None else frame.end_ns
        late = emit_ns > (frame.end_ns if seam_ns is None else np.minimum(frame.end_ns, seam_ns))
        if late.any():
            playback.held.append((int(emit_ns[late].max()), frame.take(late)))
        now.append(frame.take(~late))
    return now


def _let_go(playback: Playback, until_ns: int | None) -> None:
    """Emit what was held until this time, or all of it."""
    due = [each for each in playback.held if until_ns is None or each[0] <= until_ns]
    if due:
        playback.held = [
            each for each in playback.held if until_ns is not None and each[0] > until_ns
        ]
        playback.emit([frame for _, frame in due], block=True)


def _parts(playback: Playback, exchanges: Exchanges) -> list[Exchanges]:
    """Exchanges in parts whose arrivals span a bounded number of collections."""
    due = exchanges.requests.due_ns
    span = MAX_OPEN_INTERVALS * playback.setup.scenario.telemetry.metrics.interval_ns
    if not len(due) or due[-1] - due[0] <= span:
        return [exchanges]
    edges = np.arange(due[0] + span, due[-1] + span, span)
    cuts = np.unique([0, *np.searchsorted(due, edges), len(due)])
    parts = []
    for low, high in pairwise(cuts):
        wanted = np.zeros(len(due), dtype=bool)
        wanted[low:high] = True
        parts.append(exchanges.keep(wanted))
    return parts

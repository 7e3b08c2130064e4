"""What can be asked of a run: one value goes from the command line to the last worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from simtraffic.errors import UsageError
from simtraffic.export.delivery import DEFAULT_QUEUE_BYTES
from simtraffic.export.environment import ExportOptions
from simtraffic.runner.setup import DEFAULT_DRAIN_NS

if TYPE_CHECKING:
    from datetime import datetime

MOST_WORKERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a scenario is run and where its telemetry goes; each has the command's own default."""

    receiver: ExportOptions = field(default_factory=ExportOptions)
    """All that is said of the receiver; the environment and the standard ports fill in the rest."""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Environment variables to heed, such as ``os.environ``; none without it."""
    out: str | None = None
    """Path of a file of OTLP JSON lines, ``-`` for standard output; compressed when it ends in
    ``.gz`` or ``.zst``."""
    rotate_bytes: int | None = None
    """Begin another, numbered file before one grows beyond this."""
    wait_ns: int | None = None
    """How long to wait for the receivers before the first byte, in real nanoseconds."""
    speed: str | float | None = None
    """``real``, ``max`` or simulated seconds to a second; without it ``max`` for a file alone, else
    ``real``."""
    start: str | datetime | int | None = None
    """When the run begins in its telemetry: ``now``, an instant, Unix nanoseconds; now without."""
    duration_ns: int | None = None
    """Cuts the run, or holds the last rate until then."""
    drain_ns: int = DEFAULT_DRAIN_NS
    """How long after the last stage spans may end and delivery may take."""
    shard: str = "1/1"
    """The part that is played, such as ``2/8``."""
    workers: int = 1
    """Processes that share the work; more than one send to a receiver alone."""
    queue_bytes: int | None = None
    """Bound on telemetry that is not sent yet; the delivery's own when left out."""
    max_bytes: int | None = None
    """Bound on what is sent, as the ledger counts bytes; the run ends there."""
    max_spans: int | None = None
    """The same on spans."""

    def check(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: it does.
        """
        if not 1 <= self.workers <= MOST_WORKERS:
            raise UsageError(
                f"--workers: not a number of processes; found {self.workers};"
                f" write 1 to {MOST_WORKERS}"
            )
        rotated = self.rotate_bytes
        if rotated is not None and (self.out in (None, "-") or rotated <= 0):
            raise UsageError(
                "--rotate: there is no file to rotate; give --out a path and --rotate a size above"
                " zero"
            )
        if self.workers > 1 and self.out is not None:
            raise UsageError(
                "--workers: several processes cannot write one file; found --out"
                f" {self.out}; leave one of them out, or write a file for each --shard"
            )
        self.factor(is_file_only=False)

    def factor(self, *, is_file_only: bool) -> float:
        """Simulated seconds to a second; 0 for as fast as possible.

        Raises:
            UsageError: the speed is none.
        """
        if self.speed is None:
            return 0.0 if is_file_only else 1.0
        if self.speed in ("real", "max"):
            return 1.0 if self.speed == "real" else 0.0
        try:
            factor = float(self.speed)
        except ValueError:
            factor = 0.0
        if not 0 < factor <= 1e6:
            raise UsageError(
                f"--speed: not a speed; found {self.speed!r}; write real, max or a factor such as"
                " 60"
            )
        return factor

    @property
    def held_bytes(self) -> int:
        """Bound on telemetry that is not sent yet, in one process."""
        return max(1, (self.queue_bytes or DEFAULT_QUEUE_BYTES) // self.workers)

    def of_worker(self, shard: str, *, factor: float, start_unix_ns: int) -> RunOptions:
        """What one of the workers is asked for: its part of everything that is bounded.

        Args:
            shard: of the whole run.
            factor: as it was found for the whole.
            start_unix_ns: the same.
        """
        return replace(
            self,
            # What the settings of each signal were resolved from stays here, secrets included.
            receiver=ExportOptions(),
            environ={},
            speed=factor or "max",
            start=start_unix_ns,
            shard=shard,
            queue_bytes=self.held_bytes,
            workers=1,
            max_bytes=self._share(self.max_bytes),
            max_spans=self._share(self.max_spans),
        )

    def _share(self, bound: int | None) -> int | None:
        return None if bound is None else bound // self.workers

"""Asks before telemetry goes to a machine that may be somebody else's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from simtraffic.cli import console
from simtraffic.errors import ExitCode

if TYPE_CHECKING:
    from simtraffic.result.plan import PlanResult


@dataclass
class Consent:
    """Says which other hosts a run sends to and how much, and asks where somebody can answer."""

    is_given: bool
    """``--yes``."""
    quiet: bool
    _hosts: set[str] = field(default_factory=set)

    def ask(self, hosts: Sequence[str], expected: Callable[[], PlanResult]) -> None:
        """Say it before the first byte; the same hosts are asked about once.

        Raises:
            typer.Exit: the answer was no; nothing was sent.
        """
        if set(hosts) <= self._hosts:
            return
        may_ask = not self.is_given and sys.stdin.isatty() and console.people().isatty()
        if self.quiet and not may_ask:
            return
        console.tell(f"not this machine: {', '.join(hosts)}; {volume(expected())}")
        if may_ask and not typer.confirm("Send it?", default=False, err=True):
            console.tell("nothing was sent")
            raise typer.Exit(int(ExitCode.INTERRUPTED))
        self._hosts.update(hosts)


def volume(expected: PlanResult) -> str:
    """What a run comes to, on one line."""
    from simtraffic import figures  # noqa: PLC0415
    from simtraffic.units import format_duration  # noqa: PLC0415

    parts = [f"{expected.schedule.planned:,.0f} requests"]
    parts += [
        f"{signal.generated:,.0f} {signal.unit.replace('_', ' ')}"
        for signal in expected.signals.values()
        if signal.generated
    ]
    octets = sum(signal.bytes for signal in expected.signals.values())
    length = format_duration(round(expected.duration_seconds) * 1_000_000_000)
    return f"about {', '.join(parts)} and {figures.size(octets)} over {length} will go there"

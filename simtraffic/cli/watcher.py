"""Passes a run's words and states on to people, and their signals on to the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from simtraffic.cli import console
from simtraffic.report.curve import points_of
from simtraffic.report.progress import ProgressView, balance
from simtraffic.result.watcher import Watcher
from simtraffic.runner import StopSignal

if TYPE_CHECKING:
    from simtraffic.cli.consent import Consent
    from simtraffic.result.plan import PlanResult
    from simtraffic.result.snapshot import Snapshot
    from simtraffic.runner import RunOptions
    from simtraffic.scenario import Scenario

_STOPPING = "stopping: no more arrivals, draining; once more leaves at once"


class PeopleWatcher(Watcher):
    """Looks on for people while one scenario runs, and keeps its last state for a farewell.

    Args:
        scenario: what is run.
        options: how.
        consent: asks before telemetry leaves this machine.
        said: what was said while other scenarios ran; what it holds of variables is not said
            again, as they are the same for every scenario.
        quiet: whether nothing is shown.
    """

    def __init__(
        self,
        scenario: Scenario,
        options: RunOptions,
        consent: Consent,
        said: set[str],
        *,
        quiet: bool,
    ) -> None:
        self._consent = consent
        self._said = said
        self._quiet = quiet
        self._live = console.may_draw_live() and not quiet
        """Whether the view draws a picture, which nothing may be written into."""
        self._last: Snapshot | None = None
        self._view = ProgressView(
            console.people(),
            live=self._live,
            name=scenario.name,
            curve=points_of(scenario.load, options.duration_ns),
        )
        self.stop = StopSignal()

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._view.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Draw no more, so that a result can follow."""
        self._view.close()

    def consent(self, hosts: Sequence[str], expected: Callable[[], PlanResult]) -> None:
        """Ask people, where somebody can answer."""
        self._consent.ask(hosts, expected)

    def see(self, snapshot: Snapshot) -> None:
        """Show the run's state."""
        self._last = snapshot
        if not self._quiet:
            self._view.update(snapshot)

    def say(self, line: str) -> None:
        """A line of the run for people."""
        if not self._quiet and not (line in self._said and line.startswith("OTEL_")):
            self._view.say(line)
        self._said.add(line)

    def request(self) -> None:
        """Ask the run to end, as the first signal does."""
        self.stop.request()
        if self._quiet:
            return
        if self._live and self._last is not None:
            # Into the picture, as a line that is written across it would tear it.
            self._view.note = _STOPPING
        else:
            console.tell_from_signal(_STOPPING)

    def farewell(self) -> None:
        """The balance so far, as the second signal leaves no time for more."""
        self._view.leave()
        state = "before anything was sent" if self._last is None else balance(self._last)
        console.tell_from_signal(f"left at once: {state}")

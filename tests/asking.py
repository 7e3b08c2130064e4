"""Runs as tests ask for them: options by name, and somebody who looks on, made of functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from simtraffic import run
from simtraffic.export.environment import ExportOptions
from simtraffic.result.watcher import Watcher
from simtraffic.runner import RunOptions

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult
    from simtraffic.scenario import Scenario


class Calls(Watcher):
    """Calls what a test gives."""

    def __init__(
        self,
        *,
        see: Callable[[Any], object] = lambda _snapshot: None,
        say: Callable[[str], object] = lambda _line: None,
        consent: Callable[[Sequence[str], Any], object] = lambda _hosts, _expected: None,
    ) -> None:
        self._calls = (see, say, consent)

    def see(self, snapshot) -> None:
        self._calls[0](snapshot)

    def say(self, line: str) -> None:
        self._calls[1](line)

    def consent(self, hosts, expected) -> None:
        self._calls[2](hosts, expected)


def run_with(
    scenario: Scenario,
    *,
    endpoint: Any = None,
    protocol: Any = None,
    say: Any = None,
    see: Any = None,
    stop: Any = None,
    **options: Any,
) -> RunResult:
    """A run of a scenario with these options, whatever of them a test has gathered."""
    heard = {name: call for name, call in (("say", say), ("see", see)) if call is not None}
    return run(
        scenario,
        RunOptions(receiver=ExportOptions(endpoint=endpoint, protocol=protocol), **options),
        watchers=[Calls(**heard)] if heard else [],
        stop=stop,
    )

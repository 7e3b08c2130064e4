"""What of a run is wanted where: its files, its result, the words about it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.cli import console, options
from simtraffic.errors import DeliveryError, ExitCode, UsageError

if TYPE_CHECKING:
    from simtraffic.result.result import RunResult
    from simtraffic.scenario import Scenario

_PLACE = "{name}"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Where results are wanted."""

    out: str | None
    result: str | None
    quiet: bool
    json: bool

    def warn(self, text: str) -> None:
        """A line for people, unless they want none."""
        if not self.quiet:
            console.tell(text)

    def check(self, scenarios: int) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: it does.
        """
        if self.json and self.out == "-":
            raise UsageError(
                "--json: standard output cannot hold both the result and the telemetry;"
                " found --out -; write the result to a file with --result"
            )
        for option, path in (("--out", self.out), ("--result", self.result)):
            if scenarios > 1 and path not in (None, "-") and _PLACE not in str(path):
                raise UsageError(
                    f"{option}: one file for {scenarios} scenarios would be overwritten;"
                    f" found {path!r}; put {_PLACE} into the path"
                )

    def check_paths(self, scenarios: list[Scenario], files: list[str]) -> None:
        """Make sure that every file can be written, and that none overwrites another.

        Raises:
            UsageError: one cannot.
        """
        taken = {options.place_of(file): "a scenario" for file in files}
        for scenario in scenarios:
            for option, path in (("--out", self.out), ("--result", self.result)):
                if path is None or path == "-":
                    continue
                named = _named(path, scenario)
                options.check_writable(option, named)
                place = options.place_of(named)
                if place in taken and os.path.basename(named) != "null":
                    raise UsageError(
                        f"{option}: the file is {taken[place]} already; found {named!r};"
                        " name another"
                    )
                taken[place] = f"{option} of {scenario.name}"

    def path_of_out(self, scenario: Scenario) -> str | None:
        """Where this scenario's telemetry is written."""
        return None if self.out is None else _named(self.out, scenario)

    def report(self, result: RunResult, scenario: Scenario) -> list[ExitCode]:
        """Write and say how it went; an exit code for each of the two that is lost.

        One that is lost does not cost the other.
        """
        lost = []
        for report in (self._keep, self._say):
            try:
                report(result, scenario)
            except DeliveryError as error:
                console.tell(f"simtraffic: {error}")
                lost.append(error.exit_code)
        return lost

    def _keep(self, result: RunResult, scenario: Scenario) -> None:
        from simtraffic.report.writing import write_whole  # noqa: PLC0415 - only runs need it

        if self.result is None:
            return
        path = _named(self.result, scenario)
        try:
            write_whole(path, result.to_json())
        except OSError as error:
            raise DeliveryError(
                f"--result: could not be written; {error.strerror}; found {path!r}"
            ) from error

    def _say(self, result: RunResult, _scenario: Scenario) -> None:
        if self.json:
            console.write(result.to_json(indent=None))
        if _never_began(result):
            reasons = "; ".join(result.reasons)
            console.tell(f"{result.verdict.upper()} {result.scenario}, nothing was sent: {reasons}")
        elif not self.quiet:
            from simtraffic.report.terminal import summary  # noqa: PLC0415 - rich takes a while

            console.show_people(summary(result, console.columns(console.people())))
        elif not result.passed:
            console.tell(f"{result.scenario}: {result.verdict}; " + "; ".join(result.reasons))


def _never_began(result: RunResult) -> bool:
    """Whether it was refused, or given up, before its first request: there is nothing to tell."""
    return not result.passed and result.end == result.start and not result.schedule.generated


def _named(path: str, scenario: Scenario) -> str:
    return path.replace(_PLACE, scenario.name)

"""Conducts a run from the first look at its receivers to its result.

:func:`run` pushes a scenario's traffic, in this process or in several; :func:`simulate` gives the
tables alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from simtraffic.clock import cpu_seconds, monotonic, peak_rss_bytes
from simtraffic.conventions.load import load_conventions
from simtraffic.ledger import Ledger
from simtraffic.result.assemble import run_result
from simtraffic.result.watcher import Subject, Watcher
from simtraffic.runner.cap import Cap
from simtraffic.runner.counts import blank_counts, plan_at_once
from simtraffic.runner.destination import Destination, find_target
from simtraffic.runner.options import RunOptions
from simtraffic.runner.preview import plan
from simtraffic.runner.process import Process
from simtraffic.runner.readiness import unknown_signals
from simtraffic.runner.setup import Setup
from simtraffic.runner.stop import StopSignal
from simtraffic.runner.watching import Watch
from simtraffic.runner.workers import Crew

if TYPE_CHECKING:
    from datetime import datetime

    from simtraffic.result.counts import RunCounts
    from simtraffic.result.plan import PlanResult
    from simtraffic.result.result import RunResult
    from simtraffic.runner.destination import Target
    from simtraffic.runner.readiness import Readiness
    from simtraffic.scenario import Scenario
    from simtraffic.simulation.tables import Exchanges


def simulate(
    scenario: Scenario,
    *,
    start: str | datetime | None = "1970-01-01T00:00:00Z",
    duration_ns: int | None = None,
    shard: str = "1/1",
) -> Iterator[Exchanges]:
    """What happened, as column blocks in order of time: for notebooks and tests.

    Args:
        scenario: what to simulate.
        start: an instant; ids depend on it.
        duration_ns: cuts or prolongs the run.
        shard: such as ``2/8``.
    """
    setup = Setup.of(scenario, start=start, duration_ns=duration_ns, shard=shard)
    return map(setup.simulator.simulate, setup.blocks())


def run(
    scenario: Scenario,
    options: RunOptions | None = None,
    *,
    endpoint: str | None = None,
    out: str | None = None,
    watchers: Sequence[Watcher] = (),
    stop: StopSignal | None = None,
) -> RunResult:
    """Simulate a scenario and push its telemetry.

    Args:
        scenario: what to run.
        options: how, and where to; the command's defaults without it.
        endpoint: base URL of an OTLP receiver, in place of the one in the options.
        out: path of a file of OTLP JSON lines, in place of the one in the options.
        watchers: who looks on. A page of figures is left open for the next run.
        stop: set from elsewhere to end the run early.

    Returns:
        How it went. Where a receiver is not there or speaks something else, nothing is sent: every
        request is skipped, and the reasons say what is wrong.

    Raises:
        UsageError: an option is wrong; nothing was sent.
        FaultsError: a convention file is wrong; nothing was sent, and no file was touched.
    """
    options = options or RunOptions()
    if endpoint is not None:
        options = replace(options, receiver=replace(options.receiver, endpoint=endpoint))
    if out is not None:
        options = replace(options, out=out)
    options.check()
    setup = _setup(scenario, options)
    # A convention that is wrong is told before a file is begun anew for its telemetry.
    load_conventions(scenario.telemetry.conventions)
    target = find_target(options, scenario.telemetry.signals)
    asked = _Asked(options, setup, target, watchers, stop or StopSignal())
    try:
        return asked.conduct()
    finally:
        for watcher in watchers:
            watcher.end()


def _setup(scenario: Scenario, options: RunOptions) -> Setup:
    return Setup.of(
        scenario, start=options.start, duration_ns=options.duration_ns, shard=options.shard
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """A run that was asked for, with what was decided on it."""

    options: RunOptions
    setup: Setup
    target: Target
    watchers: Sequence[Watcher]
    stop: StopSignal

    @property
    def factor(self) -> float:
        """Simulated seconds to a second; 0 for as fast as possible."""
        return self.options.factor(is_file_only=self.target.is_file_only)

    def conduct(self) -> RunResult:
        """From the checks before the first byte to the result."""
        options = self.options
        self._ask()
        ready = self.target.await_receivers(options.wait_ns, self.stop, self._say)
        for remark in ready.remarks:
            self._say(remark)
        if ready.refusals or (ready.waited and self.stop.requested):
            return self._unsent(ready)
        asked = self
        if ready.waited:
            # What is sent now begins now, unless somebody has said when.
            asked = replace(self, setup=_setup(self.setup.scenario, options))
        return asked._together() if options.workers > 1 else asked._alone()

    def _ask(self) -> None:
        """Have the bounds and the people agree to what is foreseen.

        Raises:
            UsageError: it is more than the options allow.
        """
        options = self.options
        expected: Callable[[], PlanResult] = partial(
            plan, self.setup.scenario, duration_ns=options.duration_ns, shard=options.shard
        )
        cap = Cap.of(options)
        if cap is not None:
            cap.check(expected())
        hosts = self.target.foreign_hosts() if self.watchers else []
        for watcher in self.watchers if hosts else ():
            watcher.consent(hosts, expected)

    def _say(self, line: str) -> None:
        for watcher in self.watchers:
            watcher.say(line)

    def _alone(self) -> RunResult:
        """Play it in this process."""
        ledger = Ledger()
        with Destination(self.target, self.setup.scenario.telemetry.signals) as destination:
            outlets = destination.open(ledger, self.options)
            delivery = destination.delivery
            held = None if delivery is None else lambda: delivery.queued_bytes
            self._announce(destination, ledger, held)
            process = Process(
                setup=self.setup,
                options=self.options,
                factor=self.factor,
                ledger=ledger,
                outlets=outlets,
                delivery=delivery,
                stop=self.stop,
                report=self._watch() if self.watchers else None,
            )
            began = monotonic()
            process.through()
            collected = destination.finish(ledger, process.drain_s, process.look)
        wall_s = monotonic() - began
        return self._result(destination, process.counts(), collected, wall_s)

    def _together(self) -> RunResult:
        """Play it in worker processes."""
        ledger = Ledger()
        watch, held = self._watch(), 0

        def see(counts: RunCounts) -> None:
            nonlocal held
            ledger.become(counts.ledger)
            held = counts.queued_bytes
            watch(counts)

        with Destination(self.target, self.setup.scenario.telemetry.signals) as destination:
            assert destination.settings is not None
            self._announce(destination, ledger, lambda: held)
            cpu_before = cpu_seconds()
            crew = Crew(
                setup=self.setup,
                options=self.options,
                factor=self.factor,
                settings=destination.settings,
            )
            with crew:
                began = monotonic()
                counts = crew.work(self.stop, see)
                wall_s = monotonic() - began
            see(counts)
            counts.cpu_seconds += cpu_seconds() - cpu_before
            counts.peak_rss_bytes += peak_rss_bytes()
            collected = destination.finish(counts.ledger)
        return self._result(destination, counts, collected, wall_s)

    def _unsent(self, ready: Readiness) -> RunResult:
        """The result of a run that did not begin: all is skipped, no threshold is judged."""
        for line in self.target.warnings:
            self._say(line)
        scenario = self.setup.scenario.model_copy(update={"thresholds": ()})
        counts = blank_counts(self.setup)
        plan_at_once(counts, self.setup)
        counts.undelivered += ready.refusals
        self._begin(counts.ledger)
        counts.skip_rest()
        unjudged = replace(self, setup=replace(self.setup, scenario=scenario))
        destination = Destination(self.target, scenario.telemetry.signals)
        return unjudged._result(destination, counts, None, 0.0)

    def _watch(self) -> Watch:
        return Watch(self.setup, [watcher.see for watcher in self.watchers], self.factor)

    def _announce(
        self, destination: Destination, ledger: Ledger, held: Callable[[], int] | None
    ) -> None:
        """Say where it goes, before the first byte, to everybody."""
        # Whoever reads the address of a page and asks at once finds the run there.
        self._begin(ledger, held)
        for line in (destination.line, *self.target.warnings):
            self._say(line)
        for watcher in self.watchers:
            if watcher.line:
                self._say(watcher.line)

    def _begin(self, ledger: Ledger, held: Callable[[], int] | None = None) -> None:
        scenario = self.setup.scenario
        subject = Subject(
            run_id=self.setup.run_id,
            scenario=scenario.name,
            seed=scenario.seed,
            shard=str(self.setup.shard),
            ledger=ledger,
            queued_bytes=held,
            queue_bytes=replace(self.options, workers=1).held_bytes,
            drain_s=self.options.drain_ns / 1e9,
            is_timed=self.factor > 0,
        )
        for watcher in self.watchers:
            watcher.begin(subject)

    def _result(
        self,
        destination: Destination,
        counts: RunCounts,
        collected: dict[str, Any] | None,
        wall_s: float,
    ) -> RunResult:
        """Judge what was counted."""
        counts.undelivered = _undelivered(counts)
        counts.interrupted = self.stop.requested
        counts.wall_seconds = wall_s
        setup = self.setup
        return run_result(
            setup.scenario,
            counts,
            run_id=setup.run_id,
            shard=str(setup.shard),
            start_ns=setup.start_unix_ns,
            speed={0.0: "max", 1.0: "real"}.get(self.factor, self.factor),
            endpoint=destination.endpoint,
            collector=collected,
        )


def _undelivered(counts: RunCounts) -> list[str]:
    """Why telemetry was not fully delivered, beyond what the ledger's losses say."""
    reasons = [*counts.undelivered, *([counts.fatal] if counts.fatal else [])]
    reasons += unknown_signals(counts.ledger)
    if counts.overloaded:
        reasons.append(
            f"the generator could not keep up: {counts.ledger.skipped:,} requests were never"
            " simulated; ask for a lower rate, or more --workers"
        )
    return reasons

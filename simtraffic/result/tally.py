"""What the traffic of a run looked like, added up block by block while it is generated.

A :class:`Tally` reads the tables of a block and keeps counts and sketches, so its memory does not
grow with the run. It stands inside the generator's hot path: every figure comes from a few passes
over whole columns. It knows nothing of telemetry or delivery; the ledger does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Bools, Ints
from simtraffic.result.rows import (
    IncidentCounts,
    Percentiles,
    StageCounts,
    TrafficCounts,
    Window,
)
from simtraffic.result.selection import SKETCHED, Choice, Columns
from simtraffic.result.sketch import QuantileSketch
from simtraffic.simulation.tables import ERROR_KINDS
from simtraffic.token_kinds import TOKEN_COLUMNS

if TYPE_CHECKING:
    from simtraffic.scenario import Incident, Scenario, Threshold
    from simtraffic.schedule import Segment
    from simtraffic.simulation.tables import Exchanges, Vocabulary

# Sums that bincount makes in float64 are exact below this.
_EXACT = 1 << 53
OF_STAGES = ("time_to_first_token", "duration")
"""Measures of which each stage has percentiles."""


@dataclass(slots=True)
class SelectionTally:
    """Counts of what one threshold (or several alike) selects."""

    choice: Choice
    requests: int = 0
    """Requests; operations when a provider or a model is asked for."""
    failed: int = 0
    cost_pusd: int = 0
    sketches: dict[str, QuantileSketch] = field(default_factory=dict)


SelectionKey = tuple[str | None, tuple[tuple[str, str], ...]]


def selection_key(threshold: Threshold) -> SelectionKey:
    """What a threshold selects; two that select the same share one tally."""
    where = tuple(sorted((key, str(value)) for key, value in threshold.where.items()))
    return threshold.during, where


class Tally:
    """Counts of a run's traffic.

    Args:
        scenario: whose incidents and thresholds are counted.
        vocabulary: what the codes of the tables mean.
        stages: as the schedule has them, in the order of the stage codes; a prolonged run ends with
            its hold.
    """

    def __init__(
        self,
        scenario: Scenario,
        vocabulary: Vocabulary,
        stages: Sequence[Segment],
    ) -> None:
        self.vocabulary = vocabulary
        self.requests = 0
        self.failed = 0
        self.operations = 0
        self.attempts = 0
        self.stages = [
            StageCounts(span.name, Window(span.start_ns, span.end_ns), target_rate=span.end_rate)
            for span in stages
        ]
        self.sketches = [{measure: QuantileSketch() for measure in OF_STAGES} for _ in stages]
        """Nanoseconds of each stage's operations, for each of :data:`OF_STAGES`."""
        self.end_ns = max((stage.window.end_ns for stage in self.stages), default=0)
        self._stage_ends = np.array([s.window.end_ns for s in self.stages], dtype=np.int64)
        self.incidents = [self._incident_counts(incident) for incident in scenario.incidents]
        self._hit = [
            self._hit_by(incident, counts.window)
            for incident, counts in zip(scenario.incidents, self.incidents, strict=True)
        ]
        self.selections: dict[SelectionKey, SelectionTally] = {}
        for threshold in scenario.thresholds:
            self._open_selection(threshold)
        cells = len(vocabulary.flows) * len(vocabulary.routes)
        self._made = np.zeros(cells, dtype=np.int64)
        self._broken = np.zeros(cells, dtype=np.int64)
        self._tried = np.zeros((cells, len(ERROR_KINDS)), dtype=np.int64)
        self._sums = {name: np.zeros(cells, dtype=np.int64) for name in TOKEN_COLUMNS}
        self._cost_pusd = np.zeros(cells, dtype=np.int64)

    @property
    def planned(self) -> int:
        """Arrivals of the blocks so far, of all stages."""
        return sum(stage.planned for stage in self.stages)

    def plan(self, due_ns: Ints) -> None:
        """Count arrivals by stage; those at the very end of the run belong to the last."""
        last = len(self.stages) - 1
        codes = np.minimum(np.searchsorted(self._stage_ends, due_ns, side="right"), last)
        counts = np.bincount(codes, minlength=last + 1)
        for stage, count in zip(self.stages, counts, strict=True):
            stage.planned += int(count)

    def add(self, exchanges: Exchanges) -> None:
        """Count the requests of a block, or of several joined ones, and all inside them."""
        if not len(exchanges.requests):
            return
        columns = Columns(exchanges)
        self.requests += len(exchanges.requests)
        self.failed += int(np.count_nonzero(columns.failed))
        self.operations += len(exchanges.operations)
        self.attempts += len(exchanges.attempts)
        self._add_stages(columns)
        self._add_traffic(columns)
        for incident, choice in zip(self.incidents, self._hit, strict=True):
            _add_incident(incident, choice, columns)
        for selection in self.selections.values():
            _add_selection(selection, columns)

    def stages_until(self, elapsed_ns: int) -> tuple[StageCounts, ...]:
        """The stages with their rates and percentiles, of a run whose arrivals came so far."""
        return tuple(
            _finished(stage, sketches, elapsed_ns)
            for stage, sketches in zip(self.stages, self.sketches, strict=True)
        )

    def traffic(self, factor: float = 1) -> tuple[TrafficCounts, ...]:
        """A row for each flow, provider and model that saw an operation, flows in their order.

        Args:
            factor: What every count is multiplied by; a plan is from fewer requests than a run.
        """
        return tuple(self._row(int(cell), factor) for cell in np.flatnonzero(self._made))

    def _row(self, cell: int, factor: float) -> TrafficCounts:
        def scaled(count: int) -> int:
            return int(count) if factor == 1 else round(int(count) * factor)

        flow, code = divmod(cell, len(self.vocabulary.routes))
        route, kinds = self.vocabulary.routes[code], self._tried[cell]
        return TrafficCounts(
            flow=self.vocabulary.flows[flow],
            provider=route.provider,
            model=route.name,
            requests=scaled(self._made[cell]),
            attempts=scaled(kinds.sum()),
            failed=scaled(self._broken[cell]),
            errors={
                kind: scaled(count)
                for kind, count in zip(ERROR_KINDS[1:], kinds[1:], strict=True)
                if count
            },
            cost_pusd=int(self._cost_pusd[cell]) * factor,
            **{name: scaled(sums[cell]) for name, sums in self._sums.items()},
        )

    def merge(self, other: Tally) -> None:
        """Add what another tally of the same scenario counted, such as a worker's."""
        for name in ("requests", "failed", "operations", "attempts"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for stage, more in zip(self.stages, other.stages, strict=True):
            stage.planned += more.planned
            stage.generated += more.generated
            stage.failed += more.failed
        for mine, theirs in zip(self.sketches, other.sketches, strict=True):
            for measure, sketch in mine.items():
                sketch.merge(theirs[measure])
        for incident, seen in zip(self.incidents, other.incidents, strict=True):
            incident.requests += seen.requests
            incident.errors += seen.errors
        for key, selection in self.selections.items():
            _merge_selection(selection, other.selections[key])
        self._made += other._made
        self._broken += other._broken
        self._tried += other._tried
        self._cost_pusd += other._cost_pusd
        for name, sums in other._sums.items():
            self._sums[name] += sums

    def window(self, name: str) -> Window | None:
        """When the stage or incident of this name is on; None when there is none."""
        windows = {incident.name: incident.window for incident in self.incidents}
        windows |= {stage.name: stage.window for stage in self.stages}
        return windows.get(name)

    def _incident_counts(self, incident: Incident) -> IncidentCounts:
        at_ns: int = incident.at_ns
        end_ns = max(at_ns, min(at_ns + incident.duration_ns, self.end_ns))
        return IncidentCounts(incident.name, Window(at_ns, end_ns))

    def _hit_by(self, incident: Incident, window: Window) -> Choice:
        match = incident.match
        where = {key: getattr(match, key) for key in ("provider", "model", "flow", "instance")}
        return Choice.of(self.vocabulary, window, where)

    def _open_selection(self, threshold: Threshold) -> None:
        during = threshold.during
        # A stage that a shortened run never reaches has no window and selects nothing.
        window = None if during is None else self.window(during) or Window(0, 0)
        key = selection_key(threshold)
        choice = Choice.of(self.vocabulary, window, threshold.where)
        selection = self.selections.setdefault(key, SelectionTally(choice))
        if threshold.measure in SKETCHED:
            selection.sketches.setdefault(threshold.measure, QuantileSketch())

    def _add_stages(self, columns: Columns) -> None:
        codes = columns.exchanges.requests.stage
        made = np.bincount(codes, minlength=len(self.stages))
        broken = np.bincount(codes[columns.failed], minlength=len(self.stages))
        present = np.flatnonzero(made)
        of_operations = columns.spread(codes) if len(present) > 1 else None
        for code in present:
            stage = self.stages[code]
            stage.generated += int(made[code])
            stage.failed += int(broken[code])
            rows = slice(None) if of_operations is None else of_operations == code
            for measure, sketch in self.sketches[code].items():
                columns.sketch_into(sketch, measure, rows)

    def _add_traffic(self, columns: Columns) -> None:
        operations, attempts = columns.exchanges.operations, columns.exchanges.attempts
        routes, cells = len(self.vocabulary.routes), len(self._made)
        first_cell = columns.exchanges.requests.flow.astype(np.int64) * routes
        cell = first_cell[operations.request] + operations.route
        self._made += np.bincount(cell, minlength=cells)
        self._broken += np.bincount(cell[columns.op_failed], minlength=cells)
        tried = (first_cell[attempts.request] + attempts.route) * len(ERROR_KINDS) + attempts.error
        self._tried += np.bincount(tried, minlength=self._tried.size).reshape(self._tried.shape)
        for name in TOKEN_COLUMNS:
            _add_sums(self._sums[name], cell, getattr(operations, name))
        costs = operations.input_cost_pusd + operations.output_cost_pusd
        _add_sums(self._cost_pusd, cell, costs)


def _add_sums(into: Ints, cell: Ints, values: Ints) -> None:
    if int(values.sum()) < _EXACT:
        into += np.bincount(cell, weights=values, minlength=len(into)).astype(np.int64)
    else:
        np.add.at(into, cell, values)


def _count(rows: Bools | slice, of: Bools) -> tuple[int, int]:
    """How many rows are chosen, and for how many of them ``of`` holds."""
    if isinstance(rows, slice):
        return len(of), int(np.count_nonzero(of))
    return int(np.count_nonzero(rows)), int(np.count_nonzero(rows & of))


def _finished(
    stage: StageCounts, sketches: dict[str, QuantileSketch], elapsed_ns: int
) -> StageCounts:
    length = stage.window.seconds
    # An interrupted run reached its rate only as far as it came.
    reached = min(stage.window.end_ns, elapsed_ns) - stage.window.start_ns
    return replace(
        stage,
        asked_rate=stage.planned / length if length > 0 else 0.0,
        achieved_rate=stage.generated / (reached / 1e9) if reached > 0 else 0.0,
        time_to_first_token_seconds=Percentiles.of(sketches["time_to_first_token"]),
        duration_seconds=Percentiles.of(sketches["duration"]),
    )


def _add_incident(incident: IncidentCounts, choice: Choice, columns: Columns) -> None:
    if not choice.overlaps(columns):
        return
    rows = choice.requests(columns, by_route=True)
    requests, errors = _count(rows, columns.failed)
    incident.requests += requests
    incident.errors += errors


def _add_selection(selection: SelectionTally, columns: Columns) -> None:
    choice = selection.choice
    if not choice.overlaps(columns):
        return
    operations = columns.exchanges.operations
    requests = choice.requests(columns, by_route=False)
    rows = choice.operations(columns, requests)
    if choice.routes is None:
        chosen, failed = _count(requests, columns.failed)
        cost = columns.exchanges.requests.cost_pusd[requests].sum()
    else:
        chosen, failed = _count(rows, columns.op_failed)
        cost = operations.input_cost_pusd[rows].sum() + operations.output_cost_pusd[rows].sum()
    selection.requests += chosen
    selection.failed += failed
    selection.cost_pusd += int(cost)
    for measure, sketch in selection.sketches.items():
        columns.sketch_into(sketch, measure, rows)


def _merge_selection(selection: SelectionTally, other: SelectionTally) -> None:
    selection.requests += other.requests
    selection.failed += other.failed
    selection.cost_pusd += other.cost_pusd
    for measure, sketch in selection.sketches.items():
        sketch.merge(other.sketches[measure])

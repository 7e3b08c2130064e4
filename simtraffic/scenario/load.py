"""Scenario files to scenarios, or to every fault in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from simtraffic.documents.source import read_bytes
from simtraffic.errors import ScenarioError
from simtraffic.scenario.checks import (
    absolute_conventions,
    check_imperfections,
    check_load,
    check_service,
    check_telemetry,
)
from simtraffic.scenario.checks_errors import check_error_sums
from simtraffic.scenario.checks_incidents import check_incident_times, placed_at, stage_starts
from simtraffic.scenario.checks_reach import check_matches, check_thresholds
from simtraffic.scenario.checks_traffic import check_capacity, check_retries, check_traffic
from simtraffic.scenario.draft import read_draft
from simtraffic.scenario.extends import read_extended
from simtraffic.scenario.known import Known, shipped

if TYPE_CHECKING:
    from simtraffic.documents.document import Document
    from simtraffic.errors import Fault
    from simtraffic.scenario.model import Scenario
    from simtraffic.scenario.review import Review

_CHECKS = (
    check_service,
    check_load,
    check_traffic,
    check_error_sums,
    check_retries,
    check_capacity,
    check_incident_times,
    check_matches,
    check_telemetry,
    check_imperfections,
    check_thresholds,
)


def load_scenario(
    path: str | os.PathLike[str],
    *,
    environ: Mapping[str, str] | None = None,
    known: Known | None = None,
) -> Scenario:
    """Read a scenario file.

    Args:
        path: The file; what it extends and conventions by path are looked for beside it.
        environ: Values for ``${NAME}``; none when left out, the process's own are not looked at.
        known: Models, profiles and conventions to choose from; those that ship when left out.

    Raises:
        ScenarioError: The content is wrong; carries every fault.
        UsageError: The file cannot be read.
    """
    file = os.fspath(path)
    return read_scenario(read_bytes(file), file=file, environ=environ, known=known)


def read_scenario(
    data: bytes,
    *,
    file: str,
    environ: Mapping[str, str] | None = None,
    known: Known | None = None,
) -> Scenario:
    """Read a scenario from bytes; ``file`` is their name in faults, and where paths start from.

    Raises:
        ScenarioError: The content is wrong; carries every fault.
    """
    return _scenario(read_extended(data, file, environ or {}), known)


def parse_scenario(
    text: str,
    *,
    file: str = "scenario.yaml",
    environ: Mapping[str, str] | None = None,
    known: Known | None = None,
) -> Scenario:
    """Read a scenario from text; ``file`` is its name in faults, and where paths start from.

    Raises:
        ScenarioError: The content is wrong; carries every fault.
    """
    return _scenario(read_extended(text, file, environ or {}), known)


def _scenario(document: Document, known: Known | None) -> Scenario:
    faults, file = document.faults, document.file
    if document.tree is None:
        raise ScenarioError(_in_order(faults, file))
    review = read_draft(document, document.tree, known or shipped())
    if review is None:
        raise ScenarioError(_in_order(faults, file))
    for check in _CHECKS:
        check(review)
    if faults:
        own = (name for name in absolute_conventions(review) if os.path.isfile(name))
        raise ScenarioError(_in_order(faults, file), tuple(own))
    return _resolved(review)


def _in_order(faults: Iterable[Fault], file: str) -> list[Fault]:
    """Each fault once, from top to bottom; those of the file itself before those of its bases."""
    return sorted(dict.fromkeys(faults), key=lambda f: (f.file != file, f.file, f.line, f.column))


def _resolved(review: Review) -> Scenario:
    """The scenario with everything filled in that depends on its other parts."""
    scenario = review.scenario
    stages = tuple(
        stage if stage.name else stage.model_copy(update={"name": f"stage-{number}"})
        for number, stage in enumerate(scenario.load.stages, start=1)
    )
    starts = stage_starts(scenario)
    incidents = tuple(
        incident.model_copy(update={"at_ns": placed_at(incident, starts)})
        for incident in scenario.incidents
    )
    conventions = absolute_conventions(review)
    return scenario.model_copy(
        update={
            "load": scenario.load.model_copy(update={"stages": stages}),
            "incidents": incidents,
            "telemetry": scenario.telemetry.model_copy(update={"conventions": conventions}),
        }
    )

"""`simtraffic show`: what there is to choose from."""

from __future__ import annotations

import json as json_format
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from simtraffic.cli import completion, console
from simtraffic.shipped import shipped_scenarios

if TYPE_CHECKING:
    from simtraffic.conventions.model import Convention, MetricSpec


Listed = Literal["catalog", "profiles", "conventions", "scenarios", "metrics"]


def show(
    what: Annotated[Listed, typer.Argument(help="What to list.")],
    convention: Annotated[
        list[str] | None,
        typer.Option(
            help="With metrics: only of this convention, by name or path; repeatable.",
            metavar="NAME",
            autocompletion=completion.conventions,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """List what a scenario can choose from.

    Scenarios are those in scenarios/ here, by path, and those that come along,
    by name: `simtraffic run smoke` works in any folder.

    Examples:
      simtraffic show catalog                      models, speeds, prices
      simtraffic show profiles                     token lengths to name in `tokens`
      simtraffic show conventions                  ways to tell a request
      simtraffic show metrics --convention gen_ai  series, and Prometheus names
      simtraffic show scenarios --json
    """
    rows = _LISTS[what](convention or [])
    if json:
        console.write(json_format.dumps(rows, indent=2) + "\n")
        return
    if not rows:
        console.tell(f"no {what} found")
        return
    from simtraffic.cli import lists  # noqa: PLC0415 - draws with rich

    console.show(lists.DRAWN[what](rows))


def _catalog(_conventions: list[str]) -> list[dict[str, Any]]:
    from simtraffic.catalog import load_catalog  # noqa: PLC0415

    return [
        {
            "model": model.full_name,
            "kind": model.kind,
            "tier": model.tier,
            "tokens_per_second": round(1e6 / model.per_token_us) if model.per_token_us else 0,
            "context": model.context_window,
            # Prices are kept as 1e-12 USD a token.
            "usd_input_per_million": model.input_pusd / 1e6,
            "usd_cached_per_million": model.cached_pusd / 1e6,
            "usd_output_per_million": model.output_pusd / 1e6,
            "requests_per_second": model.capacity,
        }
        for model in load_catalog().models.values()
    ]


def _profiles(_conventions: list[str]) -> list[dict[str, Any]]:
    from simtraffic.catalog import load_catalog  # noqa: PLC0415
    from simtraffic.distributions import Z95, QuantileTables  # noqa: PLC0415

    rows = []
    for profile in load_catalog().profiles.values():
        row: dict[str, Any] = {"profile": profile.name}
        for side, parts in (("input", profile.input), ("output", profile.output)):
            lengths = QuantileTables.of_mixtures([[(p.weight, p.mu, p.sigma) for p in parts]])
            for name, score in (("p50", 0.0), ("p95", Z95)):
                row[f"{side}_tokens_{name}"] = round(lengths.quantile(0, score))
        row["cached"] = profile.cached
        row["source"] = profile.source
        rows.append(row)
    return rows


def _conventions(_conventions: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "convention": convention.name,
            "version": convention.version,
            "spans": sorted(convention.spans),
            "metrics": len(convention.metrics),
            "log_records": len(convention.logs),
        }
        for convention in _loaded([])
    ]


def _metrics(conventions: list[str]) -> list[dict[str, Any]]:
    from simtraffic.backends.prometheus_names import label_name, prometheus_name  # noqa: PLC0415

    return [
        {
            "convention": convention.name,
            "metric": metric.name,
            "type": metric.instrument,
            "unit": metric.unit,
            "prometheus": prometheus_name(metric.name, metric.unit, metric.instrument),
            "labels": [label_name(key) for key in _attribute_keys(metric)],
        }
        for convention in _loaded(conventions)
        for metric in convention.metrics
    ]


def _attribute_keys(metric: MetricSpec) -> list[str]:
    inside = [attribute for measure in metric.measures for attribute in measure.attributes]
    return list(dict.fromkeys(attribute.key for attribute in (*metric.attributes, *inside)))


def _loaded(names: list[str]) -> Iterator[Convention]:
    """Conventions of these names, else all; what is always on comes with them."""
    from simtraffic.conventions.load import (  # noqa: PLC0415
        ALWAYS_ON,
        built_in_names,
        load_convention,
    )

    for name in dict.fromkeys([*(names or built_in_names()), ALWAYS_ON]):
        yield load_convention(name)


def _scenarios(_conventions: list[str]) -> list[dict[str, Any]]:
    return [_scenario(name, path) for name, path in _scenario_files()]


def _scenario(name: str, path: Path) -> dict[str, Any]:
    from simtraffic.errors import SimtrafficError  # noqa: PLC0415
    from simtraffic.scenario import load_scenario  # noqa: PLC0415
    from simtraffic.units import format_duration  # noqa: PLC0415

    row = {"name": name, "file": str(path), "duration": "", "description": ""}
    try:
        scenario = load_scenario(path, environ=os.environ)
    except SimtrafficError:
        row["description"] = "invalid; simtraffic check says why"
    else:
        row["duration"] = format_duration(sum(s.duration_ns for s in scenario.load.stages))
        row["description"] = scenario.description
    return row


def _scenario_files() -> list[tuple[str, Path]]:
    """What `run` takes, with the file: paths in ``scenarios/`` here, then names of what ships.

    A checkout's own files are those that ship: they are listed by name.
    """
    shipped = shipped_scenarios()
    known = {path.resolve() for path in shipped.values()}
    # Those of the folder itself first: they are the ones to begin with.
    here = sorted(Path("scenarios").rglob("*.yaml"), key=lambda path: (len(path.parts), path))
    own = [(str(path), path) for path in here if path.resolve() not in known]
    return own + list(shipped.items())


_LISTS = {
    "catalog": _catalog,
    "profiles": _profiles,
    "conventions": _conventions,
    "scenarios": _scenarios,
    "metrics": _metrics,
}

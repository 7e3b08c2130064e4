"""From our boards to Grafana's JSON, by the builders of grafana-foundation-sdk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as grafana
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from tools.rules import thresholds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tools.dashboards.model import Board, Panel

PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
LOKI = model.DataSourceRef(type_val="loki", uid="loki")
RUNBOOKS = "https://github.com/simtraffic/simtraffic/blob/main/docs/runbooks"
COLUMNS = 24

PROVIDER_COLOURS = {
    "openai": "#10a37f",
    "anthropic": "#d97757",
    "google": "#4285f4",
    "mistral": "#f7b500",
    "cohere": "#a75bd6",
    "deepseek": "#4d6bfe",
    "groq": "#e2553d",
    "xai": "#8e9aa8",
    "moonshot": "#5ac8c8",
}
"""A provider has one colour on every board, its models too."""

_VARIABLES = {
    "service": ("Service", "label_values(llm:requests:rate5m, service_name)"),
    "environment": (
        "Environment",
        'label_values(llm:requests:rate5m{service_name=~"$service"}, deployment_environment_name)',
    ),
    "provider": (
        "Provider",
        'label_values(llm:operations:rate5m{service_name=~"$service"}, provider)',
    ),
    "model": (
        "Model",
        'label_values(llm:operations:rate5m{service_name=~"$service",provider=~"$provider"},'
        " model)",
    ),
}


def encoded(board: Board, others: Sequence[Board]) -> str:
    """The board as the JSON that Grafana reads from a file."""
    made = grafana.Dashboard(board.title).uid(board.uid).description(board.description)
    made = made.tags(["simtraffic", "llm"]).editable().tooltip(model.DashboardCursorSync.CROSSHAIR)
    made = made.refresh("10s").time("now-15m", "now").timezone("browser")
    made = made.with_variable(
        grafana.DatasourceVariable("datasource").label("Data source").type("prometheus")
    )
    for name in board.variables:
        made = made.with_variable(_variable(name))
    for annotation in _annotations():
        made = made.annotation(annotation)
    for link in _links(board, others):
        made = made.link(link)
    for number, (panel, place) in enumerate(placed(board.panels), start=1):
        made = made.with_panel(_panel(panel).id(number).grid_pos(place))
    return str(JSONEncoder(sort_keys=True, indent=2).encode(made.build())) + "\n"


def placed(panels: Sequence[Panel]) -> Iterator[tuple[Panel, model.GridPos]]:
    """Each panel with its place: from the left, and below when a row is full."""
    x = y = row = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        yield panel, model.GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x, row = x + panel.width, max(row, panel.height)


def _variable(name: str) -> grafana.QueryVariable:
    label, definition = _VARIABLES[name]
    return (
        grafana.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": definition, "refId": name})
        .definition(definition)
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        # Not the list of all: what has no such label is meant too.
        .all_value(".*")
        .current(model.VariableOption(selected=True, text="All", value="$__all"))
    )


def _annotations() -> Iterator[grafana.AnnotationQuery]:
    for name, colour, expression, title in (
        (
            "Incidents",
            "orange",
            "max by (simtraffic_incident) (simtraffic_incident_active) > 0",
            "{{simtraffic_incident}}",
        ),
        (
            "Alerts",
            "red",
            "max by (alertname, service_name, provider)"
            ' (ALERTS{alertstate="firing",alertname!="DeadMan"})',
            "{{alertname}} {{service_name}} {{provider}}",
        ),
    ):
        yield (
            grafana.AnnotationQuery()
            .name(name)
            .datasource(PROMETHEUS)
            .enable(True)
            .icon_color(colour)
            .expr(expression)
            .step("10s")
            .title_format(title)
        )


def _links(board: Board, others: Sequence[Board]) -> Iterator[grafana.DashboardLink]:
    for other in others:
        if other.uid != board.uid:
            yield (
                grafana.DashboardLink(other.title)
                .type(model.DashboardLinkType.LINK)
                .url(f"/d/{other.uid}")
                .include_vars(True)
                .keep_time(True)
            )
    for title, source in (("Traces", "jaeger"), ("Logs", "loki")):
        yield (
            grafana.DashboardLink(title)
            .type(model.DashboardLinkType.LINK)
            .url(f'/explore?left={{"datasource":"{source}"}}')
            .keep_time(True)
        )
    for alert in board.runbooks:
        yield (
            grafana.DashboardLink(f"Runbook {alert}")
            .type(model.DashboardLinkType.LINK)
            .url(f"{RUNBOOKS}/{alert}.md")
            .target_blank(True)
        )


def _panel(panel: Panel) -> Any:
    makers: dict[str, Callable[[Panel], Any]] = {
        "timeseries": _timeseries,
        "stat": _stat,
        "bargauge": _bargauge,
        "table": lambda _: table.Panel(),
        "heatmap": _heatmap,
        "logs": lambda _: logs.Panel().show_time(True).wrap_log_message(True),
    }
    made = makers[panel.kind](panel).title(panel.title).description(panel.description)
    made = made.unit(panel.unit)
    if panel.kind == "logs":
        (asked,) = panel.queries
        return made.datasource(LOKI).with_target(
            loki.Dataquery().expr(asked.expression).datasource(LOKI).ref_id("A")
        )
    made = made.datasource(PROMETHEUS)
    for letter, asked in zip("ABCDEFG", panel.queries, strict=False):
        made = made.with_target(_target(panel, asked.expression, asked.legend, letter))
    if panel.kind in {"timeseries", "bargauge"}:
        for provider, colour in PROVIDER_COLOURS.items():
            made = made.override_by_regexp(f"/^{provider}(/.*)?$/", [_fixed(panel, colour)])
    if panel.alert:
        made = made.thresholds(_steps(panel))
    return made


def _fixed(panel: Panel, colour: str) -> model.DynamicConfigValue:
    # Models of one provider are shades of its colour.
    mode = "shades" if "{{model}}" in panel.queries[0].legend else "fixed"
    return model.DynamicConfigValue(id_val="color", value={"mode": mode, "fixedColor": colour})


def _target(panel: Panel, expression: str, legend: str, letter: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().expr(expression).ref_id(letter).datasource(PROMETHEUS)
    made = made.legend_format(legend or "__auto")
    if panel.kind == "heatmap":
        return made.format(prometheus_model.PromQueryFormat.HEATMAP)
    if panel.kind == "table":
        return made.instant().format(prometheus_model.PromQueryFormat.TABLE)
    if panel.kind in {"stat", "bargauge"}:
        return made.instant()
    return made.exemplar(panel.exemplars)


def _timeseries(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().line_width(1.5).fill_opacity(25 if panel.stacked else 0)
    made = made.show_points(common.VisibilityMode.NEVER).span_nulls(False).min(0)
    made = made.tooltip(
        common_builders.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    made = made.legend(
        common_builders.VizLegendOptions()
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
        .show_legend(True)
    )
    if panel.maximum is not None:
        made = made.max(panel.maximum)
    if panel.stacked:
        made = made.stacking(
            common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
        )
    if panel.alert:
        made = made.thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(
                common.GraphThresholdsStyleMode.DASHED
            )
        )
    return made


def _stat(panel: Panel) -> stat.Panel:
    made = stat.Panel().graph_mode(common.BigValueGraphMode.NONE).reduce_options(_last())
    colour = common.BigValueColorMode.VALUE if panel.alert else common.BigValueColorMode.NONE
    return made.color_mode(colour)


def _bargauge(_: Panel) -> bargauge.Panel:
    made = bargauge.Panel().orientation(common.VizOrientation.HORIZONTAL).reduce_options(_last())
    return made.display_mode(common.BarGaugeDisplayMode.GRADIENT)


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _heatmap(_: Panel) -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME)
    return heatmap.Panel().calculate(False).color(colours.scheme("Oranges").steps(64))


def _steps(panel: Panel) -> grafana.ThresholdsConfig:
    limit = thresholds()[panel.alert]
    low, high = ("red", "green") if panel.below else ("green", "red")
    steps = [model.Threshold(value=None, color=low), model.Threshold(value=limit, color=high)]
    return grafana.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)

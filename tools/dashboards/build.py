"""From our boards to Grafana's JSON, by the builders of grafana-foundation-sdk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.builders import (
    bargauge,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    statetimeline,
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

from tools.dashboards.model import SERVICE, Row
from tools.rules import thresholds

if TYPE_CHECKING:
    from tools.dashboards.model import Board, Panel

PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="${datasource}")
LOKI = model.DataSourceRef(type_val="loki", uid="loki")
RUNBOOKS = "https://github.com/simtraffic/simtraffic/blob/main/docs/runbooks"
COLUMNS = 24
TALL = 10
"""Rows from which on a legend may be a table: below it would take half of the panel."""

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

_REQUESTS = f"http_server_request_duration_seconds_count{{{SERVICE}}}"
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
    "run": ("Run", f"label_values({_REQUESTS}, simtraffic_run_id)"),
    "instance": ("Instance", f"label_values({_REQUESTS}, instance)"),
}


def encoded(board: Board) -> str:
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
    for link in _links():
        made = made.link(link)
    made = _with_content(made, board)
    return str(JSONEncoder(sort_keys=True, indent=2).encode(made.build())) + "\n"


def _with_content(made: grafana.Dashboard, board: Board) -> grafana.Dashboard:
    """Panels and rows, numbered from 1; a closed row holds its panels, others precede them."""
    number = 0
    for part, place, inside in placed(board.content):
        number += 1
        if not isinstance(part, Row):
            made = made.with_panel(_panel(part).id(number).grid_pos(place))
            continue
        row = grafana.Row(part.title).id(number).grid_pos(place).collapsed(part.closed)
        panels = []
        for panel, where in inside:
            number += 1
            panels.append(_panel(panel).id(number).grid_pos(where))
        for panel in panels if part.closed else []:
            row = row.with_panel(panel)
        made = made.with_row(row)
        for panel in [] if part.closed else panels:
            made = made.with_panel(panel)
    return made


def placed(
    content: Sequence[Panel | Row],
) -> Iterator[tuple[Panel | Row, model.GridPos, list[tuple[Panel, model.GridPos]]]]:
    """Each part with its place, and for a row what is in it with theirs."""
    y = 0
    loose: list[Panel] = []
    for part in [*content, None]:
        if part is not None and not isinstance(part, Row):
            loose.append(part)
            continue
        flow, y = _flow(loose, y)
        yield from ((panel, place, []) for panel, place in flow)
        loose = []
        if part is not None:
            inside, below = _flow(part.panels, y + 1)
            yield part, model.GridPos(h=1, w=COLUMNS, x=0, y=y), inside
            y = y + 1 if part.closed else below


def _flow(panels: Sequence[Panel], y: int) -> tuple[list[tuple[Panel, model.GridPos]], int]:
    """Panels from the left, and below when a line is full; and where they end."""
    made = []
    x = line = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, line = 0, y + line, 0
        made.append((panel, model.GridPos(h=panel.height, w=panel.width, x=x, y=y)))
        x, line = x + panel.width, max(line, panel.height)
    return made, y + line


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


def _links() -> Iterator[grafana.DashboardLink]:
    yield (
        grafana.DashboardLink("Boards")
        .type(model.DashboardLinkType.DASHBOARDS)
        .tags(["simtraffic"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )
    for title, source in (("Traces", "jaeger"), ("Logs", "loki")):
        yield _explore(title, source)
    yield (
        grafana.DashboardLink("Runbooks")
        .type(model.DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}/README.md")
        .target_blank(True)
    )


def _explore(title: str, source: str) -> grafana.DashboardLink:
    return (
        grafana.DashboardLink(title)
        .type(model.DashboardLinkType.LINK)
        .url(f'/explore?left={{"datasource":"{source}"}}')
        .keep_time(True)
    )


def _panel(panel: Panel) -> Any:
    makers: dict[str, Callable[[Panel], Any]] = {
        "timeseries": _timeseries,
        "stat": _stat,
        "bargauge": _bargauge,
        "table": _table,
        "heatmap": _heatmap,
        "state-timeline": _timeline,
        "logs": lambda _: logs.Panel().show_time(True).wrap_log_message(True),
    }
    made = makers[panel.kind](panel).title(panel.title).description(panel.description)
    made = made.unit(panel.unit).links(list(_panel_links(panel)))
    if panel.kind == "logs":
        (asked,) = panel.queries
        return made.datasource(LOKI).with_target(
            loki.Dataquery().expr(asked.expression).datasource(LOKI).ref_id("A")
        )
    made = made.datasource(PROMETHEUS).no_value("no data")
    for letter, asked in zip("ABCDEFG", panel.queries, strict=False):
        made = made.with_target(_target(panel, asked.expression, asked.legend, letter))
    if panel.kind in {"timeseries", "bargauge"}:
        for provider, colour in PROVIDER_COLOURS.items():
            made = made.override_by_regexp(f"/^{provider}(/.*)?$/", [_fixed(panel, colour)])
    if panel.alert or panel.bound is not None:
        made = made.thresholds(_steps(panel))
    return made


def _panel_links(panel: Panel) -> Iterator[grafana.DashboardLink]:
    for alert in panel.linked:
        yield (
            grafana.DashboardLink(f"Runbook {alert}")
            .type(model.DashboardLinkType.LINK)
            .url(f"{RUNBOOKS}/{alert}.md")
            .target_blank(True)
        )
    if panel.exemplars:
        yield _explore("Traces of this time", "jaeger")


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
    if panel.kind == "bargauge" or panel.present:
        return made.instant()
    return made.exemplar(panel.exemplars)


def _timeseries(panel: Panel) -> timeseries.Panel:
    made = timeseries.Panel().line_width(1.5).fill_opacity(25 if panel.stacked else 0)
    made = made.show_points(common.VisibilityMode.NEVER).span_nulls(False)
    made = made.axis_soft_min(-1).axis_soft_max(1) if panel.negative else made.min(0)
    made = made.tooltip(
        common_builders.VizTooltipOptions()
        .mode(common.TooltipDisplayMode.MULTI)
        .sort(common.SortOrder.DESCENDING)
    )
    made = made.legend(_legend(panel))
    if panel.wide:
        made = made.scale_distribution(
            common_builders.ScaleDistributionConfig()
            .type(common.ScaleDistribution.SYMLOG)
            .log(10)
            .linear_threshold(1)
        )
    if panel.stacked:
        made = made.stacking(
            common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
        )
    if panel.alert or panel.bound is not None:
        made = made.thresholds_style(
            common_builders.GraphThresholdsStyleConfig().mode(
                common.GraphThresholdsStyleMode.DASHED
            )
        )
    return made


def _legend(panel: Panel) -> common_builders.VizLegendOptions:
    made = common_builders.VizLegendOptions().placement(common.LegendPlacement.BOTTOM)
    if panel.height < TALL:
        return made.display_mode(common.LegendDisplayMode.LIST).show_legend(True)
    made = made.display_mode(common.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    return made.show_legend(True)


def _stat(panel: Panel) -> stat.Panel:
    line = common.BigValueGraphMode.NONE if panel.present else common.BigValueGraphMode.AREA
    made = stat.Panel().graph_mode(line).reduce_options(_last())
    bounded = panel.alert or panel.bound is not None
    colour = common.BigValueColorMode.VALUE if bounded else common.BigValueColorMode.NONE
    return made.color_mode(common.BigValueColorMode.BACKGROUND if panel.ground else colour)


def _timeline(panel: Panel) -> statetimeline.Panel:
    """Bands of colour over time, one row a series."""
    named = {
        str(state.value): model.ValueMappingResult(
            text=state.text, color=state.colour, index=number
        )
        for number, state in enumerate(panel.states)
    }
    legend = common_builders.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST)
    legend = legend.placement(common.LegendPlacement.BOTTOM).show_legend(True)
    return (
        statetimeline.Panel()
        .mappings([model.ValueMap(options=named)])
        .merge_values(True)
        .show_value(common.VisibilityMode.NEVER)
        .row_height(0.8)
        .fill_opacity(90)
        .legend(legend)
    )


def _table(panel: Panel) -> table.Panel:
    """Labels as columns with names for people, the time left out."""
    names = [label for label, _ in panel.columns]
    options = {
        "excludeByName": {"Time": True},
        "indexByName": {label: number for number, label in enumerate(names)},
        "renameByName": dict(panel.columns),
    }
    return (
        table.Panel()
        .with_transformation(model.DataTransformerConfig(id_val="organize", options=options))
        .decimals(0)
    )


def _bargauge(_: Panel) -> bargauge.Panel:
    made = bargauge.Panel().orientation(common.VizOrientation.HORIZONTAL).reduce_options(_last())
    return made.display_mode(common.BarGaugeDisplayMode.GRADIENT)


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _heatmap(_: Panel) -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(heatmap_model.HeatmapColorMode.SCHEME)
    return heatmap.Panel().calculate(False).color(colours.scheme("Oranges").steps(64))


def _steps(panel: Panel) -> grafana.ThresholdsConfig:
    limit = thresholds()[panel.alert] if panel.alert else panel.bound
    bad = "red" if panel.alert or panel.serious else "orange"
    low, high = (bad, "green") if panel.below else ("green", bad)
    steps = [model.Threshold(value=None, color=low), model.Threshold(value=limit, color=high)]
    return grafana.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps)

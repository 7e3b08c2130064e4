"""The columns that a convention may speak of, and how each is read from the simulation's tables.

What the sorts of columns are is said in :mod:`simtraffic.conventions.rows`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from simtraffic.arrays import Array
from simtraffic.conventions.rows import Axis, Category, Number, Rows, StandingNumber, Text
from simtraffic.failures import ATTEMPT_STATUS, NO_ANSWER, OVERLOADED, ROOT_STATUS, code_of
from simtraffic.simulation.tables import ERROR_KINDS, FINISH_REASONS
from simtraffic.token_kinds import TOKEN_KINDS
from simtraffic.workflows import WORKFLOWS

if TYPE_CHECKING:
    from simtraffic.conventions.context import Context

_TWO = lambda _context: 2  # noqa: E731 - a size, said once

AXES: dict[str, Axis] = {
    "route": Axis(lambda c: len(c.routes), lambda r: r.own("route")),
    "flow": Axis(lambda c: len(c.flows), lambda r: r.of_request("flow")),
    "workflow": Axis(lambda _c: len(WORKFLOWS), Rows.workflow),
    "streaming": Axis(_TWO, lambda r: r.of_request("streaming")),
    "sampled": Axis(_TWO, lambda r: r.of_request("sampled")),
    "in_conversation": Axis(_TWO, lambda r: r.of_request("conversation") != 0),
    "error": Axis(lambda _c: len(ERROR_KINDS), lambda r: r.own("error")),
    "status": Axis(lambda c: len(c.statuses), Rows.status),
    "finish": Axis(lambda _c: len(FINISH_REASONS), lambda r: r.own("finish")),
    "retry_reason": Axis(
        lambda _c: len(ERROR_KINDS),
        lambda r: np.where(r.own("attempts") > 1, r.own("first_error"), 0),
    ),
    "cache_hit": Axis(_TWO, lambda r: r.own("cached_tokens") > 0),
    "fallback": Axis(_TWO, lambda r: r.own("is_fallback")),
    "resent": Axis(_TWO, lambda r: r.own("resend") > 0),
}


def _http_error_type(context: Context, status: int, error: int) -> str:
    code = context.statuses[status]
    return str(code) if code != NO_ANSWER else ERROR_KINDS[error]


def _error_code(context: Context, route: int, error: int) -> str:
    own = error == code_of(OVERLOADED)
    answered = context.provider(route).overloaded_status if own else ATTEMPT_STATUS[error]
    return str(ROOT_STATUS[error] if answered == NO_ANSWER else answered)


CATEGORIES: dict[str, Category] = {
    "provider": Category(("route",), lambda c, r: c.routes[r].provider, about="openai, anthropic…"),
    "model": Category(("route",), lambda c, r: c.routes[r].name, about="name of the model"),
    "server_address": Category(("route",), lambda c, r: c.provider(r).address),
    "server_port": Category(("route",), lambda c, r: c.provider(r).port),
    "provider_path": Category(
        ("route", "workflow"),
        lambda c, r, w: c.provider(r).path(WORKFLOWS[w].name, c.routes[r].name),
        about="path at the provider",
    ),
    "reasons": Category(
        ("route", "workflow"),
        lambda c, r, w: c.routes[r].reasoning_share > 0 and WORKFLOWS[w].generates,
        about="whether the model writes reasoning tokens",
    ),
    "flow": Category(("flow",), lambda c, f: c.flows[f]),
    "workflow": Category(("workflow",), lambda _c, w: WORKFLOWS[w].name),
    "operation": Category(("workflow",), lambda _c, w: WORKFLOWS[w].operation),
    "generates": Category(
        ("workflow",), lambda _c, w: WORKFLOWS[w].generates, about="false for embeddings"
    ),
    "http_route": Category(("workflow",), lambda _c, w: WORKFLOWS[w].path),
    "streaming": Category(("streaming",), lambda _c, s: bool(s)),
    "in_conversation": Category(("in_conversation",), lambda _c, s: bool(s)),
    "llm_operation": Category(
        ("workflow", "streaming"), lambda _c, w, s: WORKFLOWS[w].plain_name(streaming=bool(s))
    ),
    "priority": Category(
        ("workflow", "streaming"), lambda _c, w, s: WORKFLOWS[w].priority(streaming=bool(s))
    ),
    "error": Category(("error",), lambda _c, e: ERROR_KINDS[e], about="error kind, or none"),
    "failed": Category(("error",), lambda _c, e: e != 0),
    "error_status": Category(
        ("error",), lambda _c, e: ROOT_STATUS[e], about="status that the caller gets for the error"
    ),
    "error_code": Category(
        ("route", "error"),
        _error_code,
        about="status of the provider's answer as text; the caller's where no answer came",
    ),
    "status_code": Category(
        ("status",), lambda c, s: c.statuses[s], ("request", "attempt"), "HTTP status"
    ),
    "answered": Category(
        ("status",), lambda c, s: c.statuses[s] != NO_ANSWER, ("request", "attempt")
    ),
    "server_fault": Category(
        ("status",), lambda c, s: c.statuses[s] >= 500, ("request", "attempt"), "status >= 500"
    ),
    "http_error_type": Category(("status", "error"), _http_error_type, ("request", "attempt")),
    "finish_reason": Category(("finish",), lambda _c, f: FINISH_REASONS[f], ("operation",)),
    "retry_reason": Category(("retry_reason",), lambda _c, e: ERROR_KINDS[e], ("operation",)),
    "retried": Category(("retry_reason",), lambda _c, e: e != 0, ("operation",)),
    "cache_hit": Category(("cache_hit",), lambda _c, h: bool(h), ("operation",)),
    "is_fallback": Category(("fallback",), lambda _c, f: bool(f), ("operation",)),
    "resent": Category(("resent",), lambda _c, r: bool(r), ("attempt",)),
    "incident": Category(
        ("incident",), lambda c, i: c.incidents[i].name, ("incident",), "name of the incident"
    ),
    "service_name": Category((), lambda c: c.service_name),
    "service_version": Category((), lambda c: c.service_version),
    "environment": Category((), lambda c: c.environment),
}


def _duration(rows: Rows) -> Array:
    return rows.own("end_ns") - rows.start_ns()


def _streaming(rows: Rows) -> Array:
    spent: Array = _duration(rows) - rows.own("first_token_ns")
    return spent.clip(0)


def _visible(rows: Rows) -> Array:
    return rows.own("output_tokens") - rows.own("reasoning_tokens")


def _later_chunks(rows: Rows) -> Array:
    later: Array = _visible(rows) - 1
    return later.clip(0)


def _tokens_per_second(rows: Rows) -> Array:
    return rows.own("output_tokens") * 1e9 / _duration(rows)


_OPERATION = ("operation",)

NUMBERS: dict[str, Number] = {
    "duration_ns": Number(_duration, about="from start to end"),
    "first_token_ns": Number(lambda r: r.own("first_token_ns"), _OPERATION),
    "streaming_ns": Number(_streaming, _OPERATION, "from the first token to the end"),
    "later_chunks": Number(_later_chunks, _OPERATION, "visible tokens after the first"),
    "inter_token_ns": Number(
        lambda r: _streaming(r) // np.maximum(_later_chunks(r), 1),
        _OPERATION,
        "mean time between visible tokens",
    ),
    "tokens_per_second": Number(_tokens_per_second, _OPERATION, "output over duration"),
    **{
        kind.column: Number(partial(Rows.own, name=kind.column), _OPERATION, kind.about)
        for kind in TOKEN_KINDS
    },
    "total_tokens": Number(
        lambda r: r.own("input_tokens") + r.own("output_tokens"),
        _OPERATION,
    ),
    "max_tokens": Number(lambda r: r.own("max_tokens"), _OPERATION),
    "attempts": Number(lambda r: r.own("attempts"), _OPERATION),
    "retries": Number(lambda r: r.own("attempts") - 1, _OPERATION),
    "input_cost_pusd": Number(lambda r: r.own("input_cost_pusd"), _OPERATION, "in 1e-12 USD"),
    "output_cost_pusd": Number(lambda r: r.own("output_cost_pusd"), _OPERATION, "in 1e-12 USD"),
    "cost_pusd": Number(
        lambda r: r.own("input_cost_pusd") + r.own("output_cost_pusd"),
        _OPERATION,
        "in 1e-12 USD",
    ),
    "queue_ns": Number(lambda r: r.of_request("queue_ns"), about="wait for capacity"),
    "messages": Number(
        lambda r: r.of_request("turn").astype(np.int64) * 2 - 1,
        about="of the conversation so far",
    ),
    "resend": Number(lambda r: r.own("resend"), ("attempt",)),
}

FLOAT_COLUMNS = ("tokens_per_second", "arrival_rate")
"""Numbers that are doubles although nothing scales them."""

STANDING: dict[str, StandingNumber] = {
    "memory_bytes": StandingNumber(
        lambda _context, forecast, at: [forecast.memory_bytes(at)],
        "collection",
        "memory of an instance",
        of_run=False,
    ),
    "arrival_rate": StandingNumber(
        lambda _context, forecast, at: [forecast.arrival_rate(at)],
        "collection",
        "arrivals a second that the whole run asks for; 0 after the last stage",
    ),
    "active": StandingNumber(
        lambda context, _forecast, at: [
            int(i.at_ns <= at < i.at_ns + i.duration_ns) for i in context.incidents
        ],
        "incident",
        "1 while the incident lasts, 0 before and after",
    ),
}


def _span_ids(rows: Rows) -> Array:
    if rows.kind == "operation" and not rows.context.has_operation_spans:
        return rows.of_request("span_id")
    return rows.own("span_id")


def _parent_span_ids(rows: Rows) -> Array:
    """Span id of what encloses each row: the root for operations, the operation for attempts."""
    if rows.kind == "operation" or not rows.context.has_operation_spans:
        return rows.of_request("span_id")
    return rows.operations.span_id[rows.attempts.operation]


TEXTS: dict[str, Text] = {
    "trace_id": Text("hex32", lambda r: r.of_request("trace_id")),
    "span_id": Text("hex16", _span_ids),
    "parent_span_id": Text("hex16", _parent_span_ids, ("operation", "attempt")),
    "request_id": Text("hex16", lambda r: r.of_request("span_id")),
    "conversation": Text("hex16", lambda r: r.of_request("conversation")),
    "response_id": Text("hex16", lambda r: r.own("response_id"), _OPERATION),
    "user": Text("digits", lambda r: r.of_request("user"), about="number of the user"),
    "start_time": Text("time", Rows.start_ns, about="ISO 8601, UTC"),
    "end_time": Text("time", lambda r: r.own("end_ns"), about="ISO 8601, UTC"),
    "instance_id": Text("instance", lambda r: r.of_request("instance")),
}


IN_JSON_ALONE = ("instance_id",)
"""Texts whose width differs; in JSON, blanks after the value make up for it."""


def known(table: str) -> list[str]:
    """Names of all columns that a convention may use for this table, sorted."""
    standing = [name for name, column in STANDING.items() if column.table == table]
    sorts: tuple[dict[str, Category] | dict[str, Number] | dict[str, Text], ...] = (
        CATEGORIES,
        NUMBERS,
        TEXTS,
    )
    names = [name for sort in sorts for name, column in sort.items() if table in column.tables]
    return sorted([*names, *standing])

"""Requests of which only a part is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from simtraffic.export.answers import SERVICES
from simtraffic.signals import UNITS

if TYPE_CHECKING:
    from google.protobuf.message import Message


def count_items(signal: str, request: Message) -> int:
    """Spans, data points or log records in a request."""
    return sum(len(items) for items in _lists(signal, request))


def drop_last(signal: str, request: Message, count: int) -> None:
    """Take the last ``count`` items out of a request; what held them stays, empty."""
    for items in reversed(list(_lists(signal, request))):
        if not count:
            return
        kept = max(0, len(items) - count)
        count -= len(items) - kept
        del items[kept:]


def partial_answer(signal: str, rejected: int, *, warns: bool = False) -> Message:
    """The response to a partial success; without anything rejected, of a full one.

    Args:
        signal: Of the request.
        rejected: How many of its items are not stored.
        warns: Whether to say something even when nothing was rejected.
    """
    service = SERVICES[signal]
    response: Any = service.response()
    if not (rejected or warns):
        return cast("Message", response)
    setattr(response.partial_success, service.rejected_field, rejected)
    response.partial_success.error_message = (
        f"some {UNITS[signal].replace('_', ' ')} are not wanted, on purpose"
        if rejected
        else "all was taken; a warning, on purpose"
    )
    return cast("Message", response)


def _lists(signal: str, request: Any) -> Iterator[Any]:
    """The repeated fields that hold the items, in order."""
    if signal == "traces":
        scopes = (scope for each in request.resource_spans for scope in each.scope_spans)
        yield from (scope.spans for scope in scopes)
    elif signal == "logs":
        scopes = (scope for each in request.resource_logs for scope in each.scope_logs)
        yield from (scope.log_records for scope in scopes)
    else:
        scopes = (scope for each in request.resource_metrics for scope in each.scope_metrics)
        for metric in (metric for scope in scopes for metric in scope.metrics):
            kind = metric.WhichOneof("data")
            if kind is not None:
                yield getattr(metric, kind).data_points

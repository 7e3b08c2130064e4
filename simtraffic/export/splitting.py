"""Cutting a request into smaller ones: between its chunks, then between its records.

The slow way, through the official classes: it is taken when a receiver finds a batch too large.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from simtraffic.export import Batch
from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import entries_of, from_json, json_body
from simtraffic.export.splitting_json import JSON_SIGNALS, cut_entries

if TYPE_CHECKING:
    from simtraffic.export.lane import Cut

# Names of the nested lists down to the records; a metric's points lie one level further down.
_LISTS = {
    "traces": ("resource_spans", "scope_spans", "spans"),
    "metrics": ("resource_metrics", "scope_metrics", "metrics"),
    "logs": ("resource_logs", "scope_logs", "log_records"),
}
_POINTS = "data_points"
_UNIT = {"traces": "span", "metrics": "data point of", "logs": "log record"}
# Tag and length around each message.
_FRAME_BYTES = 6
_LONGEST_NAME = 60


def cut_between_chunks(batch: Batch, cuts: Sequence[Cut], target: int) -> list[Batch]:
    """The batch as parts of whole chunks, none above ``target`` bytes that has two of them."""
    glue = 1 if batch.form == "json" else 0
    parts: list[Batch] = []
    start = at = count = proto = 0
    for cut in cuts:
        if at > start and at + cut.size - start > target:
            parts.append(_part(batch, start, at - glue, count, proto))
            start, count, proto = at, 0, 0
        at += cut.size + glue
        count += cut.count
        proto += cut.proto_bytes
    parts.append(_part(batch, start, at - glue, count, proto))
    return parts


def _part(batch: Batch, start: int, end: int, count: int, proto_bytes: int) -> Batch:
    return Batch(batch.signal, batch.payload[start:end], count, proto_bytes, batch.form)


def cut_between_records(batch: Batch, target: int) -> list[Batch]:
    """The batch as parts of whole records, resource and scope repeated.

    Each part is at most about ``target`` bytes, or a single record. A batch of one record, or one
    that cannot be read, is handed back as it is.
    """
    if batch.form == "json" and batch.signal in JSON_SIGNALS:
        return _cut_json(batch, target)
    request = _read(batch)
    if request is None:
        return [batch]
    leaves = list(_leaves(batch.signal, request))
    if len(leaves) < 2 or len(leaves) != batch.count:
        return [batch]
    sizes = [leaf.ByteSize() + _FRAME_BYTES for _, leaf in leaves]
    whole = request.ByteSize()
    bound = whole * target // max(1, len(batch.payload))
    frame = max(0, whole - sum(sizes))
    parts: list[Batch] = []
    start, size = 0, frame
    for place, more in enumerate(sizes):
        if place > start and size + more > bound:
            parts.append(_request_of(batch, leaves[start:place]))
            start, size = place, frame
        size += more
    parts.append(_request_of(batch, leaves[start:]))
    if len(parts) == 1:
        # The estimate was a few bytes short; whatever is asked to be cut is cut.
        middle = len(leaves) // 2
        return [_request_of(batch, leaves[:middle]), _request_of(batch, leaves[middle:])]
    return parts


def _cut_json(batch: Batch, target: int) -> list[Batch]:
    try:
        parts = cut_entries(batch.signal, batch.payload, batch.count, target)
        if len(parts) == 1 and batch.count > 1:
            # Without the blanks that filled it, it is small enough; but it was asked to be cut.
            half = len(parts[0][0]) // 2
            parts = cut_entries(batch.signal, batch.payload, batch.count, half)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return [batch]
    if len(parts) == 1:
        return [batch]
    # What each is as protobuf, for the ledger: its share, exact in sum.
    whole = len(batch.payload) if batch.proto_bytes is None else batch.proto_bytes
    total = sum(len(payload) for payload, _ in parts)
    cut, at, before = [], 0, 0
    for payload, count in parts:
        at += len(payload)
        upto = whole * at // total
        cut.append(Batch(batch.signal, payload, count, upto - before, "json"))
        before = upto
    return cut


def describe(batch: Batch) -> str:
    """A single record by signal, name and size, for people; what it is called otherwise."""
    size = f"{len(batch.payload):,} bytes"
    request = _read(batch) if batch.count == 1 else None
    leaf = next(_leaves(batch.signal, request), None) if request is not None else None
    if leaf is None:
        return f"{batch.count:,} records of {size} that cannot be cut"
    parents, record = leaf
    if batch.signal == "metrics":
        name = parents[-1].name
    elif batch.signal == "logs":
        name = record.event_name or record.severity_text or "unnamed"
    else:
        name = record.name
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return f"{_UNIT[batch.signal]} {short!r} of {size}"


def _read(batch: Batch) -> Any | None:
    try:
        if batch.form == "json":
            return from_json(batch.signal, json_body(batch))
        request: Any = SERVICES[batch.signal].request()
        request.ParseFromString(batch.payload)
    except (DecodeError, ValueError):
        return None
    return request


def _leaves(signal: str, request: Any) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every record with the messages around it, the outermost first."""
    resources, scopes, records = _LISTS[signal]
    for resource in getattr(request, resources):
        for scope in getattr(resource, scopes):
            for record in getattr(scope, records):
                if signal != "metrics":
                    yield (resource, scope), record
                    continue
                data = record.WhichOneof("data")
                for point in getattr(record, data).data_points if data else ():
                    yield (resource, scope, record), point


def _request_of(batch: Batch, leaves: Sequence[tuple[tuple[Any, ...], Any]]) -> Batch:
    request: Any = SERVICES[batch.signal].request()
    lists = _LISTS[batch.signal]
    around: tuple[Any, ...] = ()
    copies: list[Any] = []
    for parents, leaf in leaves:
        same = 0
        while same < len(around) and around[same] is parents[same]:
            same += 1
        del copies[same:]
        for depth in range(same, len(parents)):
            holder = copies[-1] if copies else request
            copy = getattr(holder, lists[depth]).add()
            _copy_frame(parents[depth], copy)
            copies.append(copy)
        around = parents
        _records_of(batch.signal, copies[-1]).append(leaf)
    payload = request.SerializeToString()
    proto_bytes = len(payload)
    if batch.form == "json":
        payload = entries_of(batch.signal, request)
    return Batch(batch.signal, payload, len(leaves), proto_bytes, batch.form)


def _records_of(signal: str, holder: Any) -> Any:
    if signal != "metrics":
        return getattr(holder, _LISTS[signal][-1])
    return getattr(holder, holder.WhichOneof("data")).data_points


def _copy_frame(source: Any, copy: Any) -> None:
    """Everything of a message except the list that leads to the records."""
    inner = {name for names in _LISTS.values() for name in names}
    for part, value in source.ListFields():
        if part.name in inner:
            continue
        if part.containing_oneof is not None and part.containing_oneof.name == "data":
            data = getattr(copy, part.name)
            data.SetInParent()
            for setting, content in value.ListFields():
                if setting.name != _POINTS:
                    setattr(data, setting.name, content)
        elif part.message_type is None:
            setattr(copy, part.name, value)
        elif hasattr(value, "extend"):
            getattr(copy, part.name).extend(value)
        else:
            getattr(copy, part.name).CopyFrom(value)

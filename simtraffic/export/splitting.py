"""Cutting a request into smaller ones: between its chunks, then between its records.

It is done when a receiver finds a request too large. Protobuf goes through the official classes,
which is slow; spans and log records in JSON are cut as they are, seven times as fast as by a detour
through protobuf, as a file may want every one of them cut.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError

from simtraffic.export.answers import SERVICES
from simtraffic.export.otlp_json import entries_of, from_json, json_body
from simtraffic.signals import Chunk

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

_JSON_LISTS = {"traces": ("scopeSpans", "spans"), "logs": ("scopeLogs", "logRecords")}

# Open brackets of a resource and of a scope, commas and quotes included, at most.
_JSON_FRAME_BYTES = 40


def cut_between_chunks(whole: Chunk, cuts: Sequence[tuple[int, int]], target: int) -> list[Chunk]:
    """Joined chunks as parts of whole ones, none above ``target`` bytes that has two of them.

    Args:
        whole: The joined chunks.
        cuts: Bytes of the payload and count of each, in order.
        target: Bytes of a part's payload.
    """
    glue = 1 if whole.form == "json" else 0
    parts: list[tuple[bytes, int]] = []
    start = at = count = 0
    for size, more in cuts:
        if at > start and at + size - start > target:
            parts.append((whole.payload[start : at - glue], count))
            start, count = at, 0
        at += size + glue
        count += more
    parts.append((whole.payload[start : at - glue], count))
    return _shares(whole, parts)


def _shares(whole: Chunk, parts: Sequence[tuple[bytes, int]]) -> list[Chunk]:
    """Payloads and counts as chunks: what each is as protobuf is its share, exact in sum."""
    total = sum(len(payload) for payload, _ in parts)
    chunks, at, before = [], 0, 0
    for payload, count in parts:
        at += len(payload)
        upto = whole.proto_bytes * at // max(1, total)
        chunks.append(Chunk(whole.signal, payload, count, upto - before, whole.form))
        before = upto
    return chunks


def cut_between_records(chunk: Chunk, target: int) -> list[Chunk]:
    """The chunk as parts of whole records, resource and scope repeated.

    Each part is at most about ``target`` bytes, or a single record. A chunk of one record, or one
    that cannot be read, is handed back as it is.
    """
    if chunk.form == "json" and chunk.signal in _JSON_LISTS:
        return _cut_json(chunk, target)
    request = _read(chunk)
    if request is None:
        return [chunk]
    leaves = list(_leaves(chunk.signal, request))
    if len(leaves) < 2 or len(leaves) != chunk.count:
        return [chunk]
    sizes = [leaf.ByteSize() + _FRAME_BYTES for _, leaf in leaves]
    whole = request.ByteSize()
    bound = whole * target // max(1, len(chunk.payload))
    frame = max(0, whole - sum(sizes))
    parts: list[Chunk] = []
    start, size = 0, frame
    for place, more in enumerate(sizes):
        if place > start and size + more > bound:
            parts.append(_request_of(chunk, leaves[start:place]))
            start, size = place, frame
        size += more
    parts.append(_request_of(chunk, leaves[start:]))
    if len(parts) == 1:
        # The estimate was a few bytes short; whatever is asked to be cut is cut.
        middle = len(leaves) // 2
        return [_request_of(chunk, leaves[:middle]), _request_of(chunk, leaves[middle:])]
    return parts


def _cut_json(chunk: Chunk, target: int) -> list[Chunk]:
    try:
        parts = _cut_entries(chunk.signal, chunk.payload, chunk.count, target)
        if len(parts) == 1 and chunk.count > 1:
            # Without the blanks that filled it, it is small enough; but it was asked to be cut.
            half = len(parts[0][0]) // 2
            parts = _cut_entries(chunk.signal, chunk.payload, chunk.count, half)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return [chunk]
    if len(parts) == 1:
        return [chunk]
    return _shares(chunk, parts)


def _cut_entries(signal: str, payload: bytes, count: int, target: int) -> list[tuple[bytes, int]]:
    """Entries of a request's list as parts of whole records, each part with its count.

    Each is at most ``target`` bytes or a single record.

    Raises:
        ValueError: the payload is no such list, or has another number of records.
    """
    records = list(_json_records(signal, json.loads(b"[%b]" % payload)))
    if len(records) != count:
        raise ValueError(f"{len(records)} records instead of {count}")
    parts: list[tuple[bytes, int]] = []
    run: list[tuple[bytes, bytes, bytes]] = []
    size = 0
    for resource, scope, text in records:
        more = len(text) + 1
        if not run or run[-1][0] is not resource:
            more += len(resource) + len(scope) + _JSON_FRAME_BYTES
        elif run[-1][1] is not scope:
            more += len(scope) + _JSON_FRAME_BYTES
        if run and size + more > target:
            parts.append((_json_joined(signal, run), len(run)))
            run, size = [], 0
            more = len(text) + len(resource) + len(scope) + _JSON_FRAME_BYTES
        run.append((resource, scope, text))
        size += more
    parts.append((_json_joined(signal, run), len(run)))
    return parts


def _json_records(signal: str, entries: Any) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Each record as text, with what stands beside its list in scope and resource, as text."""
    scopes, records = _JSON_LISTS[signal]
    for entry in entries:
        resource = _json_frame(entry, scopes)
        for holder in entry.get(scopes, ()):
            scope = _json_frame(holder, records)
            for record in holder.get(records, ()):
                yield resource, scope, _json_text(record)


def _json_frame(holder: dict[str, Any], inner: str) -> bytes:
    """Members of an object without one, as they stand between its braces."""
    text = _json_text({key: value for key, value in holder.items() if key != inner})[1:-1]
    return text + b"," if text else text


def _json_text(tree: Any) -> bytes:
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def _json_joined(signal: str, run: list[tuple[bytes, bytes, bytes]]) -> bytes:
    scopes, records = (name.encode() for name in _JSON_LISTS[signal])
    pieces: list[bytes] = []
    around: tuple[bytes | None, bytes | None] = (None, None)
    for resource, scope, text in run:
        if resource is not around[0]:
            pieces.append(b"]}]}," if pieces else b"")
            pieces.append(b'{%b"%b":[{%b"%b":[' % (resource, scopes, scope, records))
        elif scope is not around[1]:
            pieces.append(b']},{%b"%b":[' % (scope, records))
        else:
            pieces.append(b",")
        pieces.append(text)
        around = (resource, scope)
    return b"".join([*pieces, b"]}]}"])


def describe(chunk: Chunk) -> str:
    """A single record by signal, name and size, for people; what it is called otherwise."""
    size = f"{len(chunk.payload):,} bytes"
    request = _read(chunk) if chunk.count == 1 else None
    leaf = next(_leaves(chunk.signal, request), None) if request is not None else None
    if leaf is None:
        return f"{chunk.count:,} records of {size} that cannot be cut"
    parents, record = leaf
    if chunk.signal == "metrics":
        name = parents[-1].name
    elif chunk.signal == "logs":
        name = record.event_name or record.severity_text or "unnamed"
    else:
        name = record.name
    short = name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"
    return f"{_UNIT[chunk.signal]} {short!r} of {size}"


def _read(chunk: Chunk) -> Any | None:
    try:
        if chunk.form == "json":
            return from_json(chunk.signal, json_body(chunk))
        request: Any = SERVICES[chunk.signal].request()
        request.ParseFromString(chunk.payload)
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


def _request_of(chunk: Chunk, leaves: Sequence[tuple[tuple[Any, ...], Any]]) -> Chunk:
    request: Any = SERVICES[chunk.signal].request()
    lists = _LISTS[chunk.signal]
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
        _records_of(chunk.signal, copies[-1]).append(leaf)
    payload = request.SerializeToString()
    proto_bytes = len(payload)
    if chunk.form == "json":
        payload = entries_of(chunk.signal, request)
    return Chunk(chunk.signal, payload, len(leaves), proto_bytes, chunk.form)


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

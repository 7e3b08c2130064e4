"""Pieces to export requests: one resource per instance, cut so that no request passes a bound.

The protobuf form of a repeated field may be put together from parts, so a request is the joined
bytes of its ``resource_spans`` (or metrics, or logs) entries, and two requests joined are one.
The JSON form is the entries of that list, joined by commas; whoever sends it puts the frame around.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from simtraffic.otlp.json_template import FILLER, json_text, otlp_dict
from simtraffic.otlp.values import any_value
from simtraffic.signals import Chunk, Form

if TYPE_CHECKING:
    from simtraffic.otlp.encoder import Piece

MAX_REQUEST_BYTES = 3_500_000
"""Below the 4 MiB that a gRPC receiver takes by default, with room for the frame."""

MAX_JSON_CHUNK_BYTES = 300_000
"""The same, counted as protobuf, where JSON is wanted: up to three times as long, it still fits a
line of 1 MiB, which is what the Collector's file receiver takes by default."""

REQUEST_FIELDS = {
    "traces": ("resourceSpans", "scopeSpans", "spans"),
    "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
    "logs": ("resourceLogs", "scopeLogs", "logRecords"),
}
"""JSON names of the nested lists of a request, by signal."""


def varint(value: int) -> bytes:
    """An integer, zero or above, as protobuf's base-128 varint."""
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def field_bytes(number: int, content_length: int) -> bytes:
    """Tag and length of a length-delimited field; the content follows."""
    return varint(number << 3 | 2) + varint(content_length)


def resource_message(attributes: Mapping[str, Any]) -> Resource:
    """The official resource message."""
    return Resource(
        attributes=[KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]
    )


class Envelope:
    """What surrounds the records of one instance: resource, scope, schema."""

    def __init__(self, resource: Resource, scope: InstrumentationScope, schema_url: str) -> None:
        """Prepare the bytes and the JSON around the records of one instance."""
        octets = resource.SerializeToString()
        self._resource = field_bytes(1, len(octets)) + octets
        octets = scope.SerializeToString()
        self._scope = field_bytes(1, len(octets)) + octets
        schema = schema_url.encode()
        self._schema = field_bytes(3, len(schema)) + schema if schema else b""
        self._json = (
            json_text({"resource": otlp_dict(resource)})[:-1],
            json_text({"scope": otlp_dict(scope)})[:-1],
            json_text({"schemaUrl": schema_url})[1:-1] if schema_url else b"",
        )

    @property
    def overhead(self) -> int:
        """Bytes around the records, at most."""
        return len(self._resource) + len(self._scope) + len(self._schema) + 24

    def wrap(self, parts: Sequence[bytes | memoryview], length: int) -> list[bytes | memoryview]:
        """The entry of the request's list with these records, which are ``length`` bytes."""
        inner = len(self._scope) + length + len(self._schema)
        scope_head = field_bytes(2, inner)
        outer = len(self._resource) + len(scope_head) + inner
        head = field_bytes(1, outer) + self._resource + scope_head + self._scope
        return [head, *parts, self._schema]

    def size(self, length: int) -> int:
        """Bytes of the entry around ``length`` bytes of records."""
        inner = len(self._scope) + length + len(self._schema)
        outer = len(self._resource) + len(field_bytes(2, inner)) + inner
        return len(field_bytes(1, outer)) + outer

    def wrap_json(self, signal: str, parts: Iterable[bytes | memoryview]) -> bytes:
        """The entry as JSON, from records that each end in a comma."""
        _, scopes, records = REQUEST_FIELDS[signal]
        resource, scope, schema = self._json
        inside = b"".join(parts).translate(None, FILLER)[:-1]
        tail = b"]," + schema + b"}]}" if schema else b"]}]}"
        head = b'%b,"%b":[%b' % (resource, scopes.encode(), scope)
        return b"".join([head, b',"', records.encode(), b'":[', inside, tail])


class Packer:
    """Puts pieces into chunks of bounded size."""

    def __init__(
        self,
        envelopes: Sequence[Envelope],
        *,
        form: Form = "protobuf",
        max_bytes: int | None = None,
    ) -> None:
        """One envelope per instance; the bound depends on the form unless it is given."""
        self.envelopes = envelopes
        self.form = form
        self.max_bytes = max_bytes or (
            MAX_JSON_CHUNK_BYTES if form == "json" else MAX_REQUEST_BYTES
        )

    def pack(self, signal: str, pieces: Sequence[Piece]) -> Iterator[Chunk]:
        """Chunks with the records of these pieces, instance by instance."""
        by_instance: dict[int, list[Piece]] = {}
        for piece in pieces:
            if piece.signal == signal:
                by_instance.setdefault(piece.instance, []).append(piece)
        draft = _Draft(self, signal)
        for instance in sorted(by_instance):
            envelope = self.envelopes[instance]
            draft.open(envelope)
            for _, _, octets, count, width, proto_width in by_instance[instance]:
                while count * proto_width > draft.free:
                    rows = min(draft.room(proto_width), count)
                    if rows:
                        draft.add(octets[: rows * width], rows, rows * proto_width)
                        octets, count = octets[rows * width :], count - rows  # noqa: PLW2901
                    if not count:
                        break
                    yield draft.finish()
                    draft = _Draft(self, signal)
                    draft.open(envelope)
                if count:
                    draft.add(octets, count, count * proto_width)
        if draft.count:
            yield draft.finish()


class _Draft:
    """A chunk being put together."""

    def __init__(self, packer: Packer, signal: str) -> None:
        self._packer = packer
        self._signal = signal
        self._entries: list[bytes | memoryview] = []
        self._envelope: Envelope | None = None
        self._parts: list[bytes | memoryview] = []
        self._length = 0
        self._size = 0
        self.count = 0
        self.free = 0
        """Bytes of records that still fit into the open entry."""

    def open(self, envelope: Envelope) -> None:
        """Begin an instance's entry."""
        self._close_entry()
        self._envelope = envelope
        self.free = self._packer.max_bytes - self._size - envelope.overhead

    def room(self, width: int) -> int:
        """How many records of this width still fit; at least one in an empty chunk."""
        return max(self.free // width, 0 if self.count else 1)

    def add(self, octets: memoryview, count: int, length: int) -> None:
        """More records of the open entry's instance."""
        self._parts.append(octets)
        self._length += length
        self.free -= length
        self.count += count

    def _close_entry(self) -> None:
        if self._envelope is None or not self._parts:
            return
        if self._packer.form == "json":
            self._entries.append(self._envelope.wrap_json(self._signal, self._parts))
        else:
            self._entries += self._envelope.wrap(self._parts, self._length)
        self._size += self._envelope.size(self._length)
        self._parts, self._length = [], 0

    def finish(self) -> Chunk:
        """Close the open entry and join everything into the chunk."""
        self._close_entry()
        glue = b"," if self._packer.form == "json" else b""
        return Chunk(
            self._signal, glue.join(self._entries), self.count, self._size, self._packer.form
        )

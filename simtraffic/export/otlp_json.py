"""OTLP/JSON through the official classes: correct for any request, and slow (tens of us a span).

The protobuf JSON mapping with OTLP's three exceptions: ids are hexadecimal, enums are numbers,
unknown fields are ignored by receivers (OTLP specification, "JSON Protobuf Encoding").
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from simtraffic.export.answers import SERVICES
from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from google.protobuf.message import Message

_IDS = frozenset({"traceId", "spanId", "parentSpanId"})


def to_json(signal: str, payload: bytes) -> bytes:
    """A serialised request as one line of OTLP/JSON, without the line's end."""
    request = SERVICES[signal].request()
    request.ParseFromString(payload)
    return message_to_json(request)


def json_body(chunk: Chunk) -> bytes:
    """The OTLP/JSON request of a chunk in either form."""
    if chunk.form == "protobuf":
        return to_json(chunk.signal, chunk.payload)
    entries = SERVICES[chunk.signal].request.DESCRIPTOR.fields[0].json_name
    return b'{"%s":[%s]}' % (entries.encode(), chunk.payload)


def entries_of(signal: str, request: Message) -> bytes:
    """The entries of a request's list, joined by commas: a chunk's payload in JSON form."""
    frame = json_body(Chunk(signal, b"", 0, 0, "json"))
    return message_to_json(request)[len(frame) - 2 : -2]


def message_to_json(message: Message) -> bytes:
    """A request or response as one line of OTLP/JSON."""
    tree = json_format.MessageToDict(message, use_integers_for_enums=True)
    _change_ids(tree, lambda text: base64.b64decode(text).hex())
    return json.dumps(tree, separators=(",", ":"), ensure_ascii=False).encode()


def from_json(signal: str, body: bytes) -> Message:
    """The request that a JSON body holds.

    Raises:
        ValueError: The body is not OTLP/JSON; the message says why.
    """
    request = SERVICES[signal].request()
    try:
        # UTF-8, as RFC 8259 says; json.loads would guess, and let halves of pairs through.
        text = body.decode("utf-8-sig")
        tree = json.loads(text)
        if "\\u" in text:
            # A half of a pair, written as an escape, breaks the message classes.
            json.dumps(tree, ensure_ascii=False).encode()
        if not isinstance(tree, dict):
            raise TypeError("not a JSON object")  # noqa: TRY301 - said like any other fault
        _change_ids(tree, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
        json_format.ParseDict(tree, request, ignore_unknown_fields=True)
    except (json_format.ParseError, binascii.Error, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from error
    return request


def _change_ids(tree: Any, change: Callable[[str], str]) -> None:
    """Rewrite every id in place. Attribute keys are values in OTLP/JSON, so no name clashes."""
    if isinstance(tree, list):
        for item in tree:
            _change_ids(item, change)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            if key in _IDS and isinstance(value, str):
                tree[key] = change(value)
            else:
                _change_ids(value, change)

"""Header names and values from options and variables, checked before they can be sent.

Values are secrets: no message of this module repeats one.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from simtraffic.errors import UsageError

Headers = dict[str, str]

# Metadata keys of gRPC, which are header names as well (gRPC over HTTP/2, "Custom-Metadata").
_GRPC_NAME = re.compile(r"[0-9a-z_.\-]+")
_HTTP_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")  # "token" of RFC 9110, 5.6.2
_VALUE = re.compile(r"[\x20-\x7e]*")


def as_header(where: str, name: str, value: str, *, grpc: bool = True) -> tuple[str, str]:
    """Name in lower case and value, trimmed.

    Raises:
        UsageError: The name or the value cannot be sent.
    """
    name, value = name.strip().lower(), value.strip()
    if not (_GRPC_NAME if grpc else _HTTP_NAME).fullmatch(name):
        raise UsageError(f"{where}: not a header name; found {name!r}; write NAME=VALUE")
    if grpc and (name.startswith("grpc-") or name.endswith("-bin")):
        raise UsageError(f"{where}: {name} is reserved by gRPC; use another header name")
    if not _VALUE.fullmatch(value):
        raise UsageError(f"{where}: the value of {name} has signs that a header cannot carry")
    return name, value


def listed_headers(where: str, text: str) -> tuple[Headers, list[str]]:
    """Headers of a variable, in W3C baggage form with percent-encoding, and what was skipped."""
    headers: Headers = {}
    warnings: list[str] = []
    for place, part in enumerate(text.split(","), start=1):
        if not part.strip():
            continue
        name, equals, value = part.partition("=")
        if not equals:
            warnings.append(f"{where}: entry {place} is not NAME=VALUE, skipped")
            continue
        try:
            headers.update([as_header(where, unquote(name), unquote(value.strip()))])
        except UsageError as error:
            warnings.append(str(error))
    return headers, warnings

"""Reads a fault as it stands on the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from simtraffic.collector.faults import codes
from simtraffic.collector.faults.model import KINDS, STORING, Misbehaviour
from simtraffic.errors import UsageError
from simtraffic.signals import SIGNALS
from simtraffic.units import UnitError, parse_duration, parse_share

_FIRST_ERROR, _LAST_ERROR = 300, 599
_NS = 1e9


def parse_fault(text: str) -> Misbehaviour:
    """Read words such as ``status=503 share=20% for=30s``.

    Raises:
        UsageError: every fault of the text, a line each.
    """
    wrong: list[str] = []
    fault = _read(text, wrong)
    if wrong:
        raise UsageError("\n".join(f"--fault {text!r}: {line}" for line in wrong))
    return fault


def _read(text: str, wrong: list[str]) -> Misbehaviour:
    """The fault that the words mean; what is wrong with them is added to the list."""
    found: dict[str, Any] = {}
    keys: list[str] = []
    for word in text.replace(",", " ").split():
        key, equals, value = word.partition("=")
        if key in keys:
            wrong.append(f"{key}: given twice; leave one out")
        elif key not in _READERS:
            wrong.append(f"{key}: no such word{_nearest(key, tuple(_READERS))}")
        elif not (equals and value):
            wrong.append(f"{key}: without a value; write {key}={_EXAMPLES[key]}")
        else:
            try:
                found |= _READERS[key](value)
            except UnitError as error:
                wrong.append(f"{key}: {error.problem}; found {value!r}; {error.hint}")
            except ValueError as error:
                wrong.append(f"{key}: {error}")
        keys.append(key)
    if ("status" in keys) == ("kind" in keys):
        wrong.append("what happens: one of status= and kind= is needed; write status=503")
    if wrong:
        return Misbehaviour("status")
    fault = Misbehaviour(**found, text=text.strip())
    wrong += _misfits(fault, keys)
    return fault


def _misfits(fault: Misbehaviour, keys: Sequence[str]) -> Iterator[str]:
    """Words that say nothing beside the others."""
    fitting = {"retry_after": ("status",), "delay": ("slow",), "stored": STORING}
    for key, kinds in fitting.items():
        if key in keys and fault.kind not in kinds:
            listed = " or ".join("status=" if kind == "status" else kind for kind in kinds)
            yield f"{key}: goes with {listed} alone; leave it out"
    if fault.share == 0 and fault.kind != "partial":
        yield "share: never happens; found 0; leave the fault out"


def _kind(value: str) -> dict[str, Any]:
    if value not in KINDS or value == "status":
        known = tuple(kind for kind in KINDS if kind != "status")
        raise ValueError(f"unknown; found {value!r}{_nearest(value, known)}")
    return {"kind": value}


def _status(value: str) -> dict[str, Any]:
    if value.isascii() and value.isdigit():
        status = int(value)
        if not _FIRST_ERROR <= status <= _LAST_ERROR:
            raise ValueError(f"no failure; found {value}; write 300 to 599")
        return {"kind": "status", "http_status": status}
    name = value.upper()
    if name not in codes.GRPC_NAMES:
        raise ValueError(
            f"neither an HTTP status nor a code of gRPC; found {value!r}"
            f"{_nearest(name, codes.GRPC_NAMES)}"
        )
    return {"kind": "status", "grpc_code": name}


def _share(value: str) -> dict[str, Any]:
    try:
        ratio = float(value)
    except ValueError:
        return {"share": parse_share(value)}
    if not 0 <= ratio <= 1:
        raise ValueError(f"not a share; found {value!r}; write it like 20% or 0.2")
    return {"share": ratio}


def _seconds(field: str) -> Callable[[str], dict[str, Any]]:
    return lambda value: {field: parse_duration(value) / _NS}


def _retry_after(value: str) -> dict[str, Any]:
    if value == "date":
        return {"retry_after": "date"}
    try:
        seconds = float(value.removesuffix("s"))
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"neither seconds nor date; found {value!r}; write 2 or date")
    return {"retry_after": seconds}


def _signal(value: str) -> dict[str, Any]:
    if value not in SIGNALS:
        raise ValueError(f"unknown; found {value!r}{_nearest(value, SIGNALS)}")
    return {"signal": value}


def _stored(value: str) -> dict[str, Any]:
    if value not in ("yes", "no"):
        raise ValueError(f"neither yes nor no; found {value!r}; write stored=yes")
    return {"stored": value == "yes"}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "status": _status,
    "kind": _kind,
    "share": _share,
    "after": _seconds("after_s"),
    "for": _seconds("for_s"),
    "retry_after": _retry_after,
    "signal": _signal,
    "delay": _seconds("delay_s"),
    "stored": _stored,
}
_EXAMPLES = {
    "status": "503",
    "kind": "hang",
    "share": "20%",
    "after": "10s",
    "for": "30s",
    "retry_after": "2",
    "signal": "traces",
    "delay": "1s",
    "stored": "yes",
}


def _nearest(word: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(word, known, n=1)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; use one of {', '.join(known)}"

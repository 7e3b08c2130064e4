"""Reads scenario files: bytes to text, and a file with the files it extends to one tree."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.documents.compose import read_document
from simtraffic.documents.tree import Mapping, Scalar, described
from simtraffic.errors import Fault, UsageError

if TYPE_CHECKING:
    from simtraffic.documents.tree import Node

MAX_BYTES = 1_000_000
"""Largest scenario file that is read."""

MAX_BASES = 20
"""Longest chain of files that extend each other."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: str) -> bytes:
    """The file's content; one byte more than :data:`MAX_BYTES` when it is larger than that.

    Raises:
        UsageError: The path cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read; {reason[:1].lower()}{reason[1:]}") from error


def decoded(data: bytes, file: str) -> tuple[str | None, list[Fault]]:
    """The text of a file, without its byte-order mark and with LF line ends (from CRLF or CR)."""
    if len(data) > MAX_BYTES:
        return None, [Fault(file, 0, 1, "", "the file is larger than 1 MB", "", "split it")]
    if data[:2] in _UTF16_MARKS:
        return None, [Fault(file, 1, 1, "", "not UTF-8", "found UTF-16", "save it as UTF-8")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - (before.rfind(b"\n") + 1)
        found = f"found byte 0x{data[error.start]:02x}"
        line = before.count(b"\n") + 1
        return None, [Fault(file, line, column + 1, "", "not UTF-8", found, "save it as UTF-8")]
    return text.replace("\r\n", "\n").replace("\r", "\n"), []


@dataclass(frozen=True, slots=True)
class Source:
    """What a file and its bases say together."""

    tree: Mapping | None
    """None when there is nothing to check."""
    faults: list[Fault]
    is_complete: bool = True
    """False when a base is missing, so that keys are missing for that reason alone."""


def read_source(
    text: str, file: str, environ: MappingABC[str, str], *, above: tuple[str, ...] = ()
) -> Source:
    """The document merged over what it ``extends``.

    Args:
        text: The document.
        file: Its name, for faults and for finding what it extends beside it.
        environ: Values for ``${NAME}``.
        above: Real paths of the files that led here, to find cycles.
    """
    document = read_document(text, file, environ)
    tree, faults = document.tree, document.faults
    if tree is None or "extends" not in tree.entries:
        return Source(tree, faults, document.is_whole)
    node = tree.entries["extends"][1]
    own = Mapping(tree.mark, {k: v for k, v in tree.entries.items() if k != "extends"})

    def alone(problem: str, hint: str) -> Source:
        fault = node.mark.fault(("extends",), problem, described(node), hint)
        return Source(own, [*faults, fault], is_complete=False)

    if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
        return alone("not a file name", "write the path of another scenario")
    base_file = os.path.join(os.path.dirname(file), node.value)
    trail = (*above, os.path.realpath(file))
    if os.path.realpath(base_file) in trail:
        return alone("the file extends itself", "leave one extends out")
    if len(trail) > MAX_BASES:
        return alone(f"more than {MAX_BASES} files extend each other", "")
    try:
        data = read_bytes(base_file)
    except UsageError:
        return alone("the base cannot be read", "the path is relative to this file")
    base_text, base_faults = decoded(data, base_file)
    if base_text is None:
        return Source(own, [*faults, *base_faults], is_complete=False)
    base = read_source(base_text, base_file, environ, above=trail)
    tree = own if base.tree is None else merged(base.tree, own)
    is_complete = document.is_whole and base.is_complete and base.tree is not None
    return Source(tree, [*faults, *base.faults], is_complete)


def merged(base: Mapping, own: Mapping) -> Mapping:
    """``own`` over ``base``: mappings key by key, everything else replaced whole."""
    entries = dict(base.entries)
    for key, (mark, node) in own.entries.items():
        below: Node | None = entries[key][1] if key in entries else None
        if isinstance(below, Mapping) and isinstance(node, Mapping):
            entries[key] = (mark, merged(below, node))
        else:
            entries[key] = (mark, node)
    return Mapping(own.mark, entries)

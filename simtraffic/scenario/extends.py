"""A scenario file together with the files that it extends, as one document."""

from __future__ import annotations

import os
from collections.abc import Mapping as MappingABC
from dataclasses import replace

from simtraffic.documents.document import Document, read_document
from simtraffic.documents.source import read_bytes
from simtraffic.documents.tree import Mapping, Node, Scalar, described
from simtraffic.errors import UsageError

MAX_BASES = 20
"""Longest chain of files that extend each other."""

_HINTS = {
    "the file is empty": "simtraffic init writes a scenario",
    "not a mapping": "start with version: 1",
    "more than one document": "keep one scenario per file",
}


def read_extended(
    content: str | bytes,
    file: str,
    environ: MappingABC[str, str],
    *,
    above: tuple[str, ...] = (),
) -> Document:
    """The document merged over what it ``extends``; not whole when a base is missing.

    Args:
        content: The document.
        file: Its name, for faults and for finding what it extends beside it.
        environ: Values for ``${NAME}``.
        above: Real paths of the files that led here, to find cycles.
    """
    document = read_document(content, file, environ, hints=_HINTS)
    tree = document.tree
    if tree is None or "extends" not in tree.entries:
        return document
    node = tree.entries["extends"][1]
    own = Mapping(tree.mark, {k: v for k, v in tree.entries.items() if k != "extends"})

    def alone(problem: str, hint: str) -> Document:
        fault = node.mark.fault(("extends",), problem, described(node), hint)
        return Document(file, own, [*document.faults, fault], is_whole=False)

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
    base = read_extended(data, base_file, environ, above=trail)
    return replace(
        document,
        tree=own if base.tree is None else merged(base.tree, own),
        faults=[*document.faults, *base.faults],
        is_whole=document.is_whole and base.is_whole and base.tree is not None,
    )


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

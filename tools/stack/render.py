"""A copy of config/ in which only the addresses differ."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = ("alertmanager", "collector", "jaeger", "prometheus")
_SUFFIXES = (".yml", ".yaml")


def render(config: Path, into: Path, addresses: Mapping[str, str]) -> None:
    """Copy what native programs read, with each address of ``addresses`` replaced.

    ``into`` is emptied first, so that a rule which was removed does not live on.
    """
    shutil.rmtree(into, ignore_errors=True)
    for folder in FOLDERS:
        for source in sorted((config / folder).rglob("*")):
            if source.suffix in _SUFFIXES:
                target = into / source.relative_to(config)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = source.read_text(encoding="utf-8")
                target.write_text(replaced(text, addresses), encoding="utf-8")


def replaced(text: str, addresses: Mapping[str, str]) -> str:
    """The text with addresses exchanged, each only where it stands as a whole."""
    if not addresses:
        return text
    pattern = "|".join(re.escape(name) for name in addresses)
    return re.sub(rf"(?<![\w.-])({pattern})(?!\d)", lambda found: addresses[found[1]], text)

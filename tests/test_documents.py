"""Documents and the code are in step."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from simtraffic.cli.main import _COMMANDS

pytestmark = pytest.mark.docs

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*/**/*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
COMMAND = re.compile(r"(?:^\s*\$?\s*|`)simtraffic ([a-z]+)", re.MULTILINE)
TARGET = re.compile(r"(?:^\s*\$?\s*|`)make ([a-z-]+)", re.MULTILINE)


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text(encoding="utf-8"))

    broken = [
        link
        for link in LINK.findall(text)
        if not re.match(r"[a-z]+:|#", link)
        if not (path.parent / link.partition("#")[0]).exists()
    ]

    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_every_command_named_exists(path: Path) -> None:
    named = set(COMMAND.findall(path.read_text(encoding="utf-8")))

    assert named <= set(_COMMANDS)


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_every_target_of_make_named_exists(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    assert set(TARGET.findall(path.read_text(encoding="utf-8"))) <= targets


def test_make_alone_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    said = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert set(re.findall(r"^  make ([a-z-]+)", said.stdout, re.MULTILINE)) == targets

"""The recipes of CONTRIBUTING.md as steps that a program can follow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

_STEP = re.compile(
    r"At the end of `(?P<end>[^`\n]+)`:\n\n```[a-z]+\n(?P<last>.*?)```"
    r"|(?P<where>Below|Above) `(?P<anchor>[^`\n]+)` in `(?P<file>[^`\n]+)`:\n\n"
    r"```[a-z]+\n(?P<put>.*?)```"
    r"|New file `(?P<new>[^`\n]+)`:\n\n```[a-z]+\n(?P<whole>.*?)```"
    r"|In `(?P<changed>[^`\n]+)`, `(?P<old>[^`\n]+)` becomes `(?P<now>[^`\n]+)`"
    r"|```bash\n(?P<run>.*?)```",
    re.DOTALL,
)
_FENCE = re.compile(r"^```([a-z]+)$", re.MULTILINE)
_ROW = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)


@dataclass(frozen=True)
class Edit:
    """A change of one file."""

    file: str
    text: str
    where: str
    """``below`` or ``above`` a line, ``end``, ``new``, or ``instead`` of a text."""
    anchor: str = ""

    def apply(self, root: Path) -> None:
        """Do it in this tree; an anchor stands there exactly once."""
        path = root / self.file
        if self.where == "new":
            assert not path.exists(), self.file
            path.write_text(self.text, encoding="utf-8")
            return
        before = path.read_text(encoding="utf-8")
        if self.where == "end":
            assert before.endswith("\n"), self.file
            path.write_text(before + self.text, encoding="utf-8")
            return
        assert before.count(self.anchor) == 1, f"{self.file}: {self.anchor!r} is not there once"
        if self.where == "instead":
            after = before.replace(self.anchor, self.text)
        else:
            start = before.rindex("\n", 0, before.index(self.anchor)) + 1
            place = start if self.where == "above" else before.index("\n", start) + 1
            after = before[:place] + self.text + before[place:]
        path.write_text(after, encoding="utf-8")


@dataclass(frozen=True)
class Recipe:
    """What to change and what to run afterwards."""

    title: str
    edits: tuple[Edit, ...]
    commands: tuple[str, ...]
    files: tuple[str, ...] = field(default=())
    """Files that a table names, where the recipe has no edits of its own."""


def recipes() -> dict[str, Recipe]:
    """By title, in the order of the document."""
    part = TEXT.partition("\n## Recipes\n")[2].partition("\n## ")[0]
    titles = re.split(r"^### (.+)$", part, flags=re.MULTILINE)[1:]
    return {
        title: _recipe(title, text) for title, text in zip(titles[::2], titles[1::2], strict=True)
    }


def _recipe(title: str, text: str) -> Recipe:
    edits: list[Edit] = []
    commands: list[str] = []
    blocks = 0
    for step in _STEP.finditer(text):
        blocks += step["now"] is None
        if step["end"]:
            edits.append(Edit(step["end"], step["last"], "end"))
        elif step["file"]:
            edits.append(Edit(step["file"], step["put"], step["where"].lower(), step["anchor"]))
        elif step["new"]:
            edits.append(Edit(step["new"], step["whole"], "new"))
        elif step["changed"]:
            edits.append(Edit(step["changed"], step["now"], "instead", step["old"]))
        else:
            commands += [line for line in step["run"].splitlines() if line]
    # A block that is no step would be passed over; what needs more than Python is marked as text.
    assert blocks == sum(kind != "text" for kind in _FENCE.findall(text)), title
    return Recipe(title, tuple(edits), tuple(commands), tuple(_ROW.findall(text)))

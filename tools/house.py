"""Figures of the house: `python -m tools.house [CHECKOUT]` prints them, to compare two states.

A room is a package or a module right under ``simtraffic``. Tests keep what must stay so; the rest
is for whoever moves a wall and wants to know whether it was worth it.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class House:
    """What there is in the product's files."""

    lines: int
    files: int
    rooms: Mapping[str, list[str]]
    """Names of the classes in each room."""
    functions: list[tuple[int, str]]
    """Parameters and place of each function that is no command, most parameters first."""

    @classmethod
    def of(cls, checkout: Path = ROOT) -> House:
        """Read a checkout."""
        product = checkout / "simtraffic"
        rooms: dict[str, list[str]] = defaultdict(list)
        functions, lines, files = [], 0, 0
        for path in sorted(product.rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            files, lines = files + 1, lines + text.count("\n")
            place = path.relative_to(product)
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef):
                    rooms[place.parts[0].removesuffix(".py")].append(node.name)
                if isinstance(node, ast.FunctionDef) and not _is_command(place, node):
                    functions.append((_parameters(node), f"{place}:{node.name}"))
        return cls(lines, files, rooms, sorted(functions, reverse=True))

    def twins(self) -> dict[str, list[str]]:
        """Class names that stand in more than one room, with the rooms."""
        found: dict[str, list[str]] = defaultdict(list)
        for room, names in self.rooms.items():
            for name in set(names):
                found[name].append(room)
        return {name: sorted(where) for name, where in sorted(found.items()) if len(where) > 1}

    def report(self) -> Iterator[str]:
        """All figures, a line each."""
        yield f"files, lines: {self.files}, {self.lines:,}"
        yield f"rooms: {len(self.rooms)} with classes"
        yield f"classes: {sum(map(len, self.rooms.values()))}"
        each = sorted(self.rooms.items(), key=lambda room: -len(room[1]))
        yield "  " + ", ".join(f"{room} {len(names)}" for room, names in each)
        yield f"class names in two rooms: {', '.join(self.twins()) or 'none'}"
        most, place = self.functions[0]
        yield f"most parameters of what is no command: {most}, {place}"


def _is_command(place: Path, node: ast.FunctionDef) -> bool:
    """Whether it is a command, whose parameters are its options."""
    return place.parts[0] == "cli" and place.stem.startswith(node.name)


def _parameters(node: ast.FunctionDef) -> int:
    named = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    return len([each for each in named if each.arg not in {"self", "cls"}])


def main() -> None:
    """Print the figures of a checkout, by default of this one."""
    checkout = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print("\n".join(House.of(checkout).report()))  # noqa: T201 - that is what it is for


if __name__ == "__main__":
    main()

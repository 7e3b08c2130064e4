"""Rules of the house that no linter knows. Who may import whom is in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "simtraffic"
MODULES = sorted(PACKAGE.rglob("*.py"))
OTHERS = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])

MOST_LINES = 400
MOST_LINES_OF_TESTS = 600
VAGUE = {"utils", "util", "helpers", "common", "manager", "base", "core", "misc"}
HEAVY = {"numpy", "grpc", "pydantic", "httpx", "opentelemetry", "google.protobuf"}
CONVENTION_NAME = re.compile(r"\b(gen_ai|llm|simtraffic\.(requests|arrival|incident))\.[a-z]")

# Put together, so that this file does not hold what it forbids.
MACHINE = re.compile(
    "|".join(
        [
            r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|opt/wheels)/",
            r"\.py" + "env/",
            r"py" + r"pi\.org",
            "python" + r"hosted\.org",
            r"proxy\.go" + "lang",
            "--(?:extra-)?index" + "-url",
            "--find" + "-links",
        ]
    )
)


def place(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_file_can_be_read_in_one_sitting() -> None:
    too_long = [
        (place(path), lines)
        for path in [*MODULES, *OTHERS]
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > (MOST_LINES if path in MODULES else MOST_LINES_OF_TESTS)
    ]

    assert too_long == []


def test_a_module_is_named_after_what_it_holds() -> None:
    vague = [
        place(path)
        for path in [*MODULES, *OTHERS]
        if VAGUE & {path.stem, *path.relative_to(ROOT).parts[:-1]}
    ]

    assert vague == []


def test_names_of_a_convention_are_in_its_file_alone() -> None:
    found = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        found += [
            f"{place(path)}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in prose
            and CONVENTION_NAME.search(node.value)
        ]

    assert found == []


def test_every_public_name_is_documented() -> None:
    found = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if tree.body and not ast.get_docstring(tree):
            found.append(place(path))
        found += [
            f"{place(path)}:{node.lineno}: {name}"
            for name, node in public_definitions(tree)
            if not ast.get_docstring(node) and not is_overload(node)
        ]

    assert found == []


def public_definitions(
    tree: ast.Module | ast.ClassDef, prefix: str = ""
) -> list[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Classes, functions and methods whose names do not start with an underscore."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_"):
                continue
            found.append((prefix + node.name, node))
            if isinstance(node, ast.ClassDef):
                found += public_definitions(node, f"{prefix}{node.name}.")
    return found


def is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Overridden and overloaded methods are documented where they come from."""
    names = {ast.unparse(each).rpartition(".")[2] for each in node.decorator_list}
    return bool(names & {"overload", "override"})


def test_the_command_starts_without_anything_heavy() -> None:
    code = "import sys, simtraffic.cli.main; print('\\n'.join(sys.modules))"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert HEAVY.isdisjoint(done.stdout.splitlines())


def test_no_tracked_file_names_a_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        check=False,
        cwd=ROOT,
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of files")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file():
            text = path.read_bytes().decode("utf-8", errors="replace")
            found += [(name, match.group()) for match in MACHINE.finditer(text)]

    assert found == []

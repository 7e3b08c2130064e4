"""Rules of the house that no linter knows. Who may import whom is in pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.house import House
from tools.house import main as house_figures

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


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Whole rooms have their order from the layers; this looks inside them, types included."""
    assert circles(PACKAGE) == []


def test_a_circle_of_two_modules_is_found_where_only_a_type_closes_it(tmp_path: Path) -> None:
    package = tmp_path / "planted"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "one.py").write_text("import planted.two\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from planted.three import It\n"
    )
    (package / "three.py").write_text("def late() -> None:\n    from planted import one\n")
    (package / "four.py").write_text("from planted.one import two\n")

    assert circles(package) == [["planted.one", "planted.three", "planted.two"]]


def circles(package: Path) -> list[list[str]]:
    """Groups of modules each of which imports all others, straight or by way of others."""
    known = {dotted(path, package): path for path in package.rglob("*.py")}
    reached = {name: imported(path, known) - {name} for name, path in known.items()}
    for middle in known:
        for name in known:
            if middle in reached[name]:
                reached[name] |= reached[middle]
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in known
        if name in reached[name]
    }
    return sorted(map(list, groups))


def dotted(path: Path, package: Path) -> str:
    """The name under which a module is imported."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules among those known that this one names in any of its imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & set(known) or {node.module}
    return found & set(known)


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


def test_no_class_name_stands_in_two_rooms() -> None:
    assert House.of().twins() == {}


def test_what_is_no_command_takes_eight_parameters_at_most() -> None:
    most, where = House.of().functions[0]

    assert most <= 8, where


def test_the_figures_of_the_house_can_be_printed(capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["house", str(ROOT)])

    house_figures()

    assert "class names in two rooms: none" in capsys.readouterr().out

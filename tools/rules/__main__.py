"""``python -m tools.rules`` writes the rule files that are made; ``--check`` compares them."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import FoldedScalarString

from simtraffic.errors import SimtrafficError
from tools.rules.alerts import RULES
from tools.rules.recording import recording_rules
from tools.rules.runbooks import index_text
from tools.rules.shorten import shorten
from tools.rules.slo import load_slos, slo_rules

_HEAD = "# Made by `python -m tools.rules` from {source}; do not edit.\n"


def made() -> dict[Path, str]:
    """The files that are made, and what belongs into them."""
    return {
        RULES / "recording.yml": _text("tools/rules/recording.py", recording_rules()),
        RULES / "slo.yml": _text("config/slo", slo_rules(load_slos())),
    }


def _text(source: str, groups: list[dict[str, object]]) -> str:
    yaml = YAML()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    for group in groups:
        for rule in group["rules"]:  # type: ignore[attr-defined]
            if len(rule["expr"]) > 80:
                rule["expr"] = _folded(rule["expr"])
    into = io.StringIO()
    yaml.dump({"groups": groups}, into)
    return _HEAD.format(source=source) + into.getvalue()


def _folded(expression: str) -> FoldedScalarString:
    """The expression over several lines, as a block that folds back into one."""
    lines: list[str] = [""]
    for word in expression.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > 85:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    text: Any = FoldedScalarString(" ".join(lines))
    text.fold_pos = [
        sum(len(line) + 1 for line in lines[: n + 1]) - 1 for n in range(len(lines) - 1)
    ]
    return cast("FoldedScalarString", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write, compare or shorten."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only; 1 when one differs")
    commands = parser.add_subparsers(dest="command")
    shorter = commands.add_parser("shorten", help="copies with all times divided")
    shorter.add_argument("--factor", type=float, required=True)
    shorter.add_argument("--interval", default="1s", help="of evaluation; default: %(default)s")
    shorter.add_argument("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        if options.command == "shorten":
            options.out.mkdir(parents=True, exist_ok=True)
            for path in sorted(RULES.glob("*.yml")):
                shorten(path, options.out / path.name, options.factor, options.interval)
            return 0
        return _write(check=options.check)
    except SimtrafficError as error:
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)


def _write(*, check: bool) -> int:
    # One after the other: the index is made from the rules as they are by then.
    return max(_write_files(made(), check=check), _write_files(index_text(), check=check))


def _write_files(files: dict[Path, str], *, check: bool) -> int:
    code = 0
    for path, text in files.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        sys.stdout.write(f"{path.name}{' differs; write it: python -m tools.rules' * check}\n")
        if check:
            code = 1
        else:
            path.write_text(text, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())

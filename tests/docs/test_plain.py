"""What is done without a shell is what a shell would do, and the rest is left to one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.plain import calls


@pytest.mark.parametrize(
    "text",
    [
        "python -m tools.one_truth a",
        "simtraffic run a.yaml --out -",
        "simtraffic run a.yaml --out - > b",
        "simtraffic show catalog | head -1",
        "simtraffic run a.yaml; rm a.yaml",
        "SEED=1 simtraffic run a.yaml",
        "simtraffic run $SCENARIO",
        "simtraffic plan a > b c",
    ],
)
def test_what_needs_a_shell_is_left_to_one(text: str) -> None:
    assert calls(text) is None


def test_plain_calls_do_what_a_shell_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "simtraffic init b\nsimtraffic init a  # another\n\nsimtraffic schema > told.json\n"
    text += "simtraffic check *.yaml\ncmp a.yaml a.yaml\ncmp a.yaml told.json\nsimtraffic run x\n"

    codes = [call.do(["--out", "x"]) for call in calls(text) or []]

    assert codes == [0, 0, 0, 0, 0, 1, 2]
    assert Path("told.json").read_text().startswith("{")

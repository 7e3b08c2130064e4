"""Files that come along with the package."""

from __future__ import annotations

import pytest

from simtraffic import shipped
from simtraffic.errors import SimtrafficError


@pytest.mark.parametrize(
    ("kind", "suffix"), [("scenarios", ".yaml"), ("rules", ".yml"), ("dashboards", ".json")]
)
def test_each_kind_has_a_folder_with_files(kind, suffix):
    assert [file for file in shipped.folder(kind).iterdir() if file.suffix == suffix]


def test_what_a_wheel_brought_wins_over_a_checkout(tmp_path, monkeypatch):
    (tmp_path / "scenarios").mkdir()
    monkeypatch.setattr(shipped, "_INSTALLED", tmp_path)

    assert shipped.folder("scenarios") == tmp_path / "scenarios"


def test_files_that_are_nowhere_are_no_bug(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "_INSTALLED", tmp_path / "wheel")
    monkeypatch.setattr(shipped, "_CHECKOUT", tmp_path / "checkout")

    with pytest.raises(SimtrafficError, match=r"scenarios: .*missing.*install simtraffic again"):
        shipped.folder("scenarios")


def test_scenarios_in_folders_come_after_those_to_begin_with():
    names = list(shipped.shipped_scenarios())

    assert "smoke" in names
    assert "alerts/llm_error_share_high" in names
    assert names.index("steady") < names.index("alerts/llm_error_share_high")

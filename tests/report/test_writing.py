"""A result is there as a whole, or as it was before."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from simtraffic.report.writing import write_whole

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_replaced_with_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("before", encoding="utf-8")
    path.chmod(0o640)

    write_whole(str(path), "after")

    assert path.read_text(encoding="utf-8") == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_file_has_the_usual_mode(tmp_path: Path) -> None:
    write_whole(str(tmp_path / "one"), "x")
    (tmp_path / "two").write_text("x", encoding="utf-8")

    assert (tmp_path / "one").stat().st_mode == (tmp_path / "two").stat().st_mode


def test_what_was_there_stays_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.json"
    path.write_text("before", encoding="utf-8")

    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_whole(str(path), "after")

    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("before", encoding="utf-8")
    (tmp_path / "link").symlink_to("real")

    write_whole(str(tmp_path / "link"), "after")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text(encoding="utf-8") == "after"


def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole(os.devnull, "x")

    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_is_written_to() -> None:
    reading, writing = os.pipe()

    write_whole(f"/dev/fd/{writing}", "x")
    os.close(writing)

    with os.fdopen(reading) as end:
        assert end.read() == "x"

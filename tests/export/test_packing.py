"""Files that are compressed or rotated: whole after every line, and read by others."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from simtraffic.errors import UsageError
from simtraffic.export.file import FileSink, numbered
from simtraffic.export.packing import packer
from simtraffic.ledger import Ledger
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from tests.asking import run_with
from tests.told import RICH as LONGER

START = "2026-01-01T00:00:00Z"


def unzstd(packed: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(
        io.BytesIO(packed), read_across_frames=True
    ) as plain:
        return bytes(plain.read())


RICH = LONGER.replace("duration: 20s", "duration: 8s")
UNPACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".zst": unzstd, "": bytes}


@pytest.mark.parametrize("ending", UNPACK)
@given(lines=st.lists(st.binary(min_size=1), max_size=5))
def test_lines_come_out_as_they_went_in(ending: str, lines: list[bytes]) -> None:
    pack = packer(f"run.jsonl{ending}")

    assert UNPACK[ending](b"".join(map(pack, lines))) == b"".join(lines)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_file_is_whole_after_every_line(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"run.jsonl{ending}"
    sink = FileSink.open(str(path), Ledger())

    sink.write("traces", b'{"a":1}', 1, 7)
    # Nobody has closed it.
    assert UNPACK[ending](path.read_bytes()) == b'{"a":1}\n'
    sink.write("logs", b'{"b":2}', 1, 7)
    assert UNPACK[ending](path.read_bytes()) == b'{"a":1}\n{"b":2}\n'
    sink.close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file that a run writes when nothing is packed or rotated."""
    path = tmp_path_factory.mktemp("plain") / "run.jsonl"
    run(parse_scenario(RICH), RunOptions(start=START), out=str(path))
    return path.read_bytes()


@pytest.mark.parametrize("ending", UNPACK)
def test_a_run_is_the_same_bytes_again_and_the_same_lines_as_plain(
    tmp_path: Path, ending: str, plain: bytes
) -> None:
    scenario = parse_scenario(RICH)
    one, two = (tmp_path / f"{name}.jsonl" for name in ("one", "two"))
    packed = []
    for path in (one, two):
        result = run(scenario, RunOptions(start=START), out=f"{path}{ending}")
        assert result.exit_code == 0
        packed.append(Path(f"{path}{ending}").read_bytes())

    assert packed[0] == packed[1]
    assert UNPACK[ending](packed[0]) == plain
    if ending:
        assert len(packed[0]) < len(plain) / 5


@pytest.mark.parametrize(
    ("ending", "command"), [(".gz", ["gzip", "-dc"]), (".zst", ["zstd", "-dcq"])]
)
def test_the_usual_programs_read_it(tmp_path: Path, ending: str, command: list[str]) -> None:
    path = tmp_path / f"run.jsonl{ending}"
    sink = FileSink.open(str(path), None)
    for number in range(3):
        sink.write("logs", str(number).encode(), 1, 1)
    sink.close()

    try:
        said = subprocess.run([*command, str(path)], capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not there; the system's packages have it")
    assert said == b"0\n1\n2\n"


class TestRotation:
    @pytest.mark.parametrize(
        "ending", ["", *(pytest.param(e, marks=pytest.mark.long) for e in (".gz", ".zst"))]
    )
    def test_makes_whole_files_within_the_size_and_loses_nothing(
        self, tmp_path: Path, ending: str, plain: bytes
    ) -> None:
        scenario, most = parse_scenario(RICH), 60_000

        result = run(
            scenario,
            RunOptions(start=START, rotate_bytes=most),
            out=str(tmp_path / f"run.jsonl{ending}"),
        )

        files = sorted(tmp_path.glob("run-*"))
        assert [file.name for file in files] == [
            f"run-{number:04d}.jsonl{ending}" for number in range(1, len(files) + 1)
        ]
        lines = [UNPACK[ending](file.read_bytes()).splitlines(keepends=True) for file in files]
        assert len(files) > 2
        for file, inside in zip(files, lines, strict=True):
            assert file.stat().st_size <= most or len(inside) == 1
            assert all(json.loads(line) for line in inside)
        assert b"".join(line for inside in lines for line in inside) == plain
        assert result.exit_code == 0
        assert result.signals["traces"].accepted == result.signals["traces"].generated

    def test_that_cannot_go_on_ends_the_sink_and_counts(self, tmp_path: Path) -> None:
        ledger = Ledger()
        ledger.add_generated("logs", 3)
        sink = FileSink.open(str(tmp_path / "run.jsonl"), ledger, rotate_bytes=10)
        (tmp_path / "run-0002.jsonl").mkdir()

        for _ in range(3):
            sink.write("logs", b'{"a":1}', 1, 7)

        assert sink.fatal is not None
        assert "run-0002.jsonl" in sink.fatal
        entry = ledger.signals["logs"]
        assert (entry.accepted, entry.failed, entry.dropped) == (1, 1, 1)
        assert ledger.balanced()
        sink.close()

    @pytest.mark.parametrize(
        ("path", "first"),
        [
            ("run.jsonl", "run-0001.jsonl"),
            ("a.b/run.jsonl.gz", "a.b/run-0001.jsonl.gz"),
            ("run", "run-0001"),
            ("out/.hidden", "out/.hidden-0001"),
        ],
    )
    def test_numbers_names_before_their_endings(self, path: str, first: str) -> None:
        assert next(numbered(path)) == first

    @pytest.mark.parametrize("options", [{}, {"out": "-"}, {"out": "x", "rotate_bytes": 0}])
    def test_wants_a_file_and_a_size(self, options: dict[str, object]) -> None:
        with pytest.raises(UsageError, match="--rotate: there is no file to rotate"):
            run_with(parse_scenario(RICH), **({"rotate_bytes": 1} | options))


def test_zstd_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)

    with pytest.raises(UsageError, match=r"pip install 'simtraffic\[zstd\]'"):
        packer("run.zst")

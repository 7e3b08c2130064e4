"""What standard output cannot show is replaced, what it cannot take is told."""

import io
import os
import subprocess
import sys
import unicodedata

import pytest

from simtraffic.cli.streams import DataStream, PeopleStream, lookalikes
from simtraffic.errors import DeliveryError

SCENARIO = """\
version: 1
name: gone
load: {arrivals: even, stages: [{duration: 2s, rate: 10/s}]}
traffic:
  - {name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o-mini: 1}}
"""


class Full(io.StringIO):
    """A disk without room."""

    def write(self, text):
        raise OSError(28, "No space left on device")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    return tmp_path


def simtraffic(command, folder, **variables):
    """A whole process, as redirections and encodings are its own."""
    return subprocess.run(
        ["bash", "-c", f'"$PYTHON" -P -m simtraffic {command}'],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def replaced(text, encoding="ascii"):
    parts = []
    for sign in text:
        try:
            parts.append(sign.encode(encoding).decode(encoding))
        except UnicodeEncodeError as error:
            parts.append(lookalikes(error)[0])
    return "".join(parts)


def test_a_drawing_is_still_one_without_its_characters():
    assert replaced("10/s ┤▁▃▅█ 5 µs – …") == "10/s |..:# 5 us - ."


def test_letters_lose_their_accents_and_no_more():
    assert replaced("zürich", "ascii") == "zurich"
    assert replaced("zürich", "latin-1") == "zürich"


@pytest.mark.parametrize("sign", "▁▂▃▄▅▆▇█│┤─━┼┬▲…×µ–日ｱé😀")
def test_a_lookalike_takes_the_room_of_its_character(sign):
    wide = unicodedata.east_asian_width(sign) in ("W", "F")

    assert len(replaced(sign)) == (2 if wide else 1)


def test_a_character_that_combines_disappears():
    assert replaced("e\N{COMBINING ACUTE ACCENT}") == "e"


@pytest.mark.parametrize("stream", [None, Full()], ids=["closed", "full"])
def test_the_loss_of_what_was_asked_for_is_an_error_in_one_line(stream):
    with pytest.raises(DeliveryError, match=r"^standard output: cannot be written; [^;]+; [^;]+$"):
        DataStream(stream).write("data")


@pytest.mark.parametrize("stream", [None, Full()], ids=["closed", "full"])
def test_the_loss_of_what_people_read_costs_nothing(stream):
    lost = PeopleStream(stream)

    assert lost.write("words") == 5
    lost.flush()
    assert not lost.isatty()


def test_data_for_programs_is_utf_8_whatever_the_encoding():
    raw = io.BytesIO()

    # Kept by its name, as it closes what it wraps when it goes.
    ascii_alone = io.TextIOWrapper(raw, encoding="ascii")

    DataStream(ascii_alone).write_data('{"name": "日本"}')

    assert raw.getvalue().decode("utf-8") == '{"name": "日本"}'


def test_a_plan_is_drawn_where_there_is_ascii_alone(folder):
    done = simtraffic("plan scenario.yaml", folder, PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"#" in done.stdout
    assert b"?" not in done.stdout


def test_a_file_is_named_as_well_as_it_can_be(folder):
    (folder / "scenario.yaml").rename(folder / "日本.yaml")

    done = simtraffic("check 日本.yaml", folder, PYTHONIOENCODING="cp1252")

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"????.yaml: ok" in done.stdout


@pytest.mark.parametrize("command", ["schema >/dev/full", "--help >&-"])
def test_output_that_nobody_takes_ends_with_4_and_one_line(folder, command):
    done = simtraffic(command, folder)

    assert done.returncode == 4
    assert done.stderr.startswith(b"simtraffic: standard output: cannot be written; ")
    assert done.stderr.count(b"\n") == 1


def test_a_run_that_has_nothing_to_write_there_needs_no_standard_output(folder):
    run = "run scenario.yaml --speed max --quiet"

    without = simtraffic(f"{run} >&-", folder)
    wanted = simtraffic(f"{run} --json --result result.json >/dev/full", folder)

    assert (without.returncode, without.stderr) == (0, b"")
    assert wanted.returncode == 4
    assert wanted.stderr.count(b"\n") == 1
    assert (folder / "result.json").read_text(encoding="utf-8").startswith("{")


def test_a_relative_path_where_the_working_directory_is_gone_is_wrong_usage(folder):
    gone = folder / "gone"
    gone.mkdir()
    run = f"run {folder}/scenario.yaml"

    done = simtraffic(f"{run} --out x.jsonl", gone, PYTHON=f"{sys.executable}")
    assert done.returncode == 0

    done = subprocess.run(
        ["bash", "-c", f'rm -r "$PWD"; "$PYTHON" -P -m simtraffic {run} --out x.jsonl'],
        cwd=gone,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr == (
        b"simtraffic: --out: cannot be written, the working directory is no more; found 'x.jsonl'\n"
    )

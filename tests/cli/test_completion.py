"""What a shell proposes while a command is typed."""

import pytest
from typer.testing import CliRunner

from simtraffic.cli.main import app


def proposed(line):
    words = line.split(" ")
    environ = {
        "_SIMTRAFFIC_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    return CliRunner().invoke(app, [], env=environ, prog_name="simtraffic").output.split()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("simtraffic pl", {"plan"}),
        ("simtraffic run smo", {"smoke"}),
        ("simtraffic plan alerts/ca", {"alerts/calm"}),
        ("simtraffic run smoke --protocol ht", {"http/protobuf", "http/json"}),
        ("simtraffic run smoke --compression ", {"none", "gzip"}),
        ("simtraffic run smoke --temporality d", {"delta"}),
        ("simtraffic run smoke --speed ", {"real", "max", "10", "60"}),
        ("simtraffic plan smoke --signals ", {"traces", "metrics", "logs"}),
        ("simtraffic plan smoke --signals traces,", {"traces,metrics", "traces,logs"}),
        ("simtraffic run smoke --convention g", {"gen_ai"}),
        ("simtraffic show c", {"catalog", "conventions"}),
    ],
)
def test_values_are_proposed(monkeypatch, tmp_path, line, found):
    monkeypatch.chdir(tmp_path)

    assert set(proposed(line)) == found


def test_files_are_proposed_beside_names(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "smart").mkdir()
    for name in ("smart/one.yaml", "smart/two.txt", "small.yml", ".smog.yaml"):
        (tmp_path / name).write_text("", encoding="utf-8")

    assert set(proposed("simtraffic run sm")) == {"smoke", "smart/", "small.yml"}
    assert proposed("simtraffic check smart/") == ["smart/one.yaml"]


def test_a_folder_that_is_not_there_has_nothing_to_propose(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    assert proposed("simtraffic check nowhere/") == []

"""Programs are found where they are named, built or installed, and missed in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from simtraffic.backends.find import find, find_all, variable, version_of
from simtraffic.errors import UsageError


def program(path: Path, script: str = "exit 0") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the tools' cache in `tools` and what is installed in `installed`."""
    monkeypatch.setenv("SIMTRAFFIC_TOOLS", str(tmp_path / "tools"))
    monkeypatch.setenv("PATH", str(tmp_path / "installed"))
    for name in ("jaeger", "prometheus", "prometheus-2.42"):
        monkeypatch.delenv(variable(name), raising=False)
    return tmp_path


def test_what_is_named_wins_over_what_was_built_and_that_over_what_is_installed(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = program(places / "installed/prometheus")
    assert find("prometheus") == installed
    built = program(places / "tools/bin/prometheus")
    assert find("prometheus") == built
    named = program(places / "elsewhere/prom")
    monkeypatch.setenv("SIMTRAFFIC_PROMETHEUS", named)
    assert find("prometheus") == named
    given = program(places / "given/prometheus")
    assert find("prometheus", given) == find("prometheus", Path(given)) == given
    assert find_all(["prometheus"]) == {"prometheus": named}


def test_what_is_named_and_is_not_there_is_not_looked_for_elsewhere(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(places / "installed/prometheus")
    with pytest.raises(UsageError, match=r"prometheus: no such program; given says /no/such; name"):
        find("prometheus", "/no/such")
    monkeypatch.setenv("SIMTRAFFIC_PROMETHEUS", str(places))
    with pytest.raises(UsageError, match=r"SIMTRAFFIC_PROMETHEUS says "):
        find_all(["prometheus"])


def test_missing_programs_are_all_named_with_what_to_do(places: Path) -> None:
    program(places / "installed/prometheus")
    with pytest.raises(UsageError) as found:
        find_all(["jaeger", "prometheus", "otelcol"])
    (line,) = str(found.value).splitlines()
    assert line.startswith(f"programs missing: jaeger, otelcol; looked in {places}/tools/bin and ")
    assert "SIMTRAFFIC_JAEGER=PATH" in line
    assert "`make tools` builds them" in line


def test_a_variable_is_named_after_its_program() -> None:
    assert variable("prometheus-2.42") == "SIMTRAFFIC_PROMETHEUS_2_42"


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo 'prometheus, version 3.14.0 (branch: , revision: unknown)'", "3.14.0"),
        ("echo 'prometheus, version 2.42.0+ds (branch: debian/sid)' >&2", "2.42.0"),
        ("echo v1.7.12; echo installed 9.9.9", "1.7.12"),
        ("echo 'alertmanager, version  (branch: )'", ""),
        ("echo 'unknown flag 1.2.3'; exit 1", ""),
    ],
)
def test_a_version_is_what_a_program_says_first(tmp_path: Path, script: str, version: str) -> None:
    assert version_of(program(tmp_path / "program", script)) == version


def test_what_cannot_be_executed_has_no_version(tmp_path: Path) -> None:
    assert version_of(str(tmp_path / "none")) == ""

"""Files and their bytes."""

from __future__ import annotations

import pytest

from simtraffic.documents.source import MAX_BYTES, decoded
from simtraffic.errors import ScenarioError
from simtraffic.scenario.load import load_scenario
from tests.scenario.cases import KNOWN


@pytest.fixture
def load(tmp_path):
    """Writes files by name and loads ``x.yaml``: the scenario, or its faults as lines."""

    def write_and_load(**files):
        for name, text in files.items():
            path = tmp_path / f"{name}.yaml"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        try:
            return load_scenario(tmp_path / "x.yaml", known=KNOWN)
        except ScenarioError as error:
            return [str(fault).replace(f"{tmp_path}/", "") for fault in error.faults]

    return write_and_load


class TestBytes:
    def test_a_file_over_a_megabyte_is_refused(self, load):
        assert load(x=b"#" * (MAX_BYTES + 1)) == ["x.yaml: the file is larger than 1 MB; split it"]

    def test_a_file_of_a_megabyte_is_read(self):
        text, found = decoded(b"#" * MAX_BYTES, "x.yaml")

        assert (len(text or ""), found) == (MAX_BYTES, [])

    def test_other_encodings_are_told_at_the_first_byte(self, load):
        assert load(x=b"version: 1\nname: caf\xe9\n") == [
            "x.yaml:2:10: not UTF-8; found byte 0xe9; save it as UTF-8"
        ]

    def test_utf_16_is_told_by_name(self, load):
        assert load(x="version: 1".encode("utf-16")) == [
            "x.yaml:1:1: not UTF-8; found UTF-16; save it as UTF-8"
        ]

"""What a scenario file extends."""

from __future__ import annotations

import pytest

from simtraffic.errors import ScenarioError
from simtraffic.scenario.extends import MAX_BASES
from simtraffic.scenario.load import load_scenario
from tests.scenario.cases import GOOD, KNOWN, changed


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


class TestExtends:
    def test_mappings_are_merged_and_lists_replaced(self, load):
        scenario = load(
            base=GOOD + "service: {name: a, version: b}\nerrors: {auth: 1%}\n",
            x="extends: base.yaml\nname: more\nservice: {version: c}\n"
            "load: {stages: [{duration: 1s, rate: 1/s}]}\n",
        )

        assert (scenario.name, scenario.service.name, scenario.service.version) == (
            "more",
            "a",
            "c",
        )
        assert scenario.errors == {"auth": 0.01}
        assert [stage.duration_ns for stage in scenario.load.stages] == [10**9]

    def test_a_base_may_extend_another_beside_it(self, load, tmp_path):
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "root.yaml").write_text(GOOD)
        (tmp_path / "deep" / "base.yaml").write_text("extends: root.yaml\nseed: 5\n")

        scenario = load(x="extends: deep/base.yaml\n")

        assert (scenario.name, scenario.seed) == ("good", 5)

    def test_a_fault_in_the_base_is_told_there(self, load):
        lines = load(base=changed("20s", "20"), x="extends: base.yaml\nsead: 1\n")

        assert lines == [
            'x.yaml:2:1 sead: unknown key; found "sead"; did you mean seed?',
            "base.yaml:6:30 load.stages[1].duration: duration without a unit; found 20;"
            " write 20s or 20ms",
        ]

    def test_a_fault_that_only_the_two_together_have_is_told(self, load):
        (line,) = load(
            base=GOOD, x="extends: base.yaml\nthresholds: [error_share < 5% during up]\n"
        )

        assert line.startswith("x.yaml:2:14 thresholds[0]: unknown stage or incident")

    def test_a_circle_is_a_fault(self, load):
        lines = load(x="extends: y.yaml\n", y="extends: x.yaml\n")

        assert lines == [
            'y.yaml:1:10 extends: the file extends itself; found "x.yaml"; leave one extends out'
        ]

    def test_a_missing_base_does_not_make_keys_missing(self, load):
        assert load(x="extends: nope.yaml\nseed: x\n") == [
            'x.yaml:1:10 extends: the base cannot be read; found "nope.yaml";'
            " the path is relative to this file",
            'x.yaml:2:7 seed: not a whole number; found "x";'
            " write a number from 0 to 9223372036854775807",
        ]

    @pytest.mark.parametrize("value", ["[a]", "{a: b}", "7", "~", '""'])
    def test_something_else_than_a_file_name_is_a_fault(self, load, value):
        (line,) = load(x=f"extends: {value}\n")

        assert line.startswith("x.yaml:1:10 extends: not a file name")

    def test_a_long_chain_is_refused(self, load):
        files = {f"f{n}": f"extends: f{n + 1}.yaml\n" for n in range(MAX_BASES + 2)}

        (line,) = load(x="extends: f0.yaml\n", **files)

        assert f"more than {MAX_BASES} files extend each other" in line

    def test_a_convention_of_the_base_is_found_beside_the_base(self, load, tmp_path):
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "own.yaml").touch()
        (tmp_path / "deep" / "base.yaml").write_text(
            GOOD + "telemetry: {conventions: [own.yaml]}\n"
        )

        scenario = load(x="extends: deep/base.yaml\n")

        assert scenario.telemetry.conventions == (str(tmp_path / "deep" / "own.yaml"),)

    def test_variables_name_the_base_too(self, tmp_path):
        (tmp_path / "base.yaml").write_text(GOOD)
        (tmp_path / "x.yaml").write_text('extends: "${BASE}.yaml"\n')

        scenario = load_scenario(tmp_path / "x.yaml", environ={"BASE": "base"}, known=KNOWN)

        assert scenario.name == "good"

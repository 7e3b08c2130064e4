"""The schema of the result file says every key that is written, and no other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from simtraffic.collector import Collector
from simtraffic.result.schema import result_keys, result_schema
from simtraffic.runner import RunOptions, run
from simtraffic.scenario import parse_scenario
from tests.result.results import a_failed_result, a_result
from tests.result.test_written import SCENARIO

if TYPE_CHECKING:
    from pathlib import Path


def strict(node: dict[str, Any]) -> dict[str, Any]:
    """The same schema that takes no key which it does not name."""
    made = {key: strict(value) if isinstance(value, dict) else value for key, value in node.items()}
    if "properties" in made:
        made["additionalProperties"] = False
    return made


STRICT = Draft202012Validator(strict(result_schema()))
LENIENT = Draft202012Validator(result_schema())


def paths(node: Any, path: str = "") -> set[str]:
    """Every path of a result, as the table of keys has them."""
    found = set()
    if isinstance(node, dict):
        for key, value in node.items():
            parent = path.rpartition(".")[2]
            step = "*" if parent in ("signals", "errors", "warnings", "imperfections") else key
            here = f"{path}.{step}".lstrip(".")
            found |= {here} | paths(value, here)
    if isinstance(node, list):
        for item in node:
            here = f"{path}[]"
            found |= ({here} if not isinstance(item, dict | list) else set()) | paths(item, here)
    return found


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(result_schema())


@pytest.mark.parametrize("made", [a_result, a_failed_result])
def test_results_of_every_sort_are_valid(made: Any) -> None:
    STRICT.validate(json.loads(made().to_json()))


def test_every_key_that_a_run_writes_is_described_in_the_order_of_the_file(tmp_path: Path) -> None:
    with Collector() as collector:
        refused = run(
            parse_scenario(SCENARIO), RunOptions(speed="max"), endpoint=collector.grpc_endpoint
        )
    filed = run(parse_scenario(SCENARIO), out=str(tmp_path / "out.jsonl"))
    for result in (refused, filed):
        STRICT.validate(json.loads(result.to_json()))

    described = {path for path, _, _ in result_keys()}
    written = paths(a_failed_result().to_dict()) | paths(filed.to_dict()) | paths(refused.to_dict())
    assert written - {"signals.*"} <= described
    top = [path for path, _, _ in result_keys() if "." not in path and "[" not in path]
    assert top == list(filed.to_dict())


def test_a_key_of_tomorrow_is_taken_and_one_that_is_missing_is_not() -> None:
    found = json.loads(a_result().to_json())
    LENIENT.validate(found | {"tomorrow": 1})
    found.pop("verdict")
    assert [error.message for error in LENIENT.iter_errors(found)] == [
        "'verdict' is a required property"
    ]


def test_the_counts_of_the_built_in_collector_are_described() -> None:
    with Collector(faults=[]) as collector:
        run(parse_scenario(SCENARIO), RunOptions(speed="max"), endpoint=collector.grpc_endpoint)
        counts = collector.counts().as_dict()

    assert {f"collector.{key}" for key in counts} <= {path for path, _, _ in result_keys()}

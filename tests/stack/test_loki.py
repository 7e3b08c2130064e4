"""config/loki/loki.yaml: keys as Loki documents them, and limits that simulated logs need.

Loki itself is not among the real programs: it cannot be built from its module. Its reference,
https://grafana.com/docs/loki/v3.7.x/configure/, describes every key; the
schema below holds those of them that we use, with their types, and admits no other.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import jsonschema
import pytest

from tests.stack.compose_file import ROOT, SERVICES, in_bytes, mounts, read

PATH = ROOT / "config/loki/loki.yaml"
LOKI: dict[str, Any] = read(PATH)
MEBI = 1024**2


def block(required: tuple[str, ...] = (), /, **keys: Any) -> dict[str, Any]:
    """A mapping of these keys and no others."""
    return {
        "type": "object",
        "properties": keys,
        "required": list(required),
        "additionalProperties": False,
    }


FLAG = {"type": "boolean"}
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
# Duration fields of limits take days and weeks, those of Go do not: "Generic placeholders".
GO_DURATION = {"type": "string", "pattern": r"^(\d+(ns|us|ms|s|m|h))+$"}
DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h|d|w|y))+$"}
SIZE = {"anyOf": [COUNT, {"type": "string", "pattern": r"^\d+(B|KB|MB|GB)$"}]}
ATTRIBUTES = block(
    ("action",),
    action={"enum": ["index_label", "structured_metadata", "drop"]},
    attributes={"type": "array", "items": TEXT, "minItems": 1},
    regex=TEXT,
)

SCHEMA = block(
    ("schema_config", "auth_enabled"),
    auth_enabled=FLAG,
    # configure/#server
    server=block(
        http_listen_port=COUNT,
        grpc_listen_port=COUNT,
        log_level={"enum": ["debug", "info", "warn", "error"]},
        grpc_server_max_recv_msg_size=COUNT,
        grpc_server_max_send_msg_size=COUNT,
    ),
    # configure/#common
    common=block(
        path_prefix=TEXT,
        instance_addr=TEXT,
        replication_factor={"const": 1},
        ring=block(kvstore=block(store={"enum": ["inmemory", "memberlist", "consul", "etcd"]})),
        storage=block(filesystem=block(chunks_directory=TEXT, rules_directory=TEXT)),
    ),
    # configure/#schema_config and #period_config
    schema_config=block(
        ("configs",),
        configs={
            "type": "array",
            "minItems": 1,
            "items": block(
                ("from", "store", "object_store", "schema", "index"),
                **{"from": {}},
                store={"enum": ["tsdb", "boltdb-shipper"]},
                object_store=TEXT,
                schema={"enum": ["v11", "v12", "v13"]},
                # A TSDB index has one file a day: storage/tsdb.
                index=block(("prefix", "period"), prefix=TEXT, period={"const": "24h"}),
            ),
        },
    ),
    # configure/#ingester
    ingester=block(lifecycler=block(min_ready_duration=GO_DURATION)),
    # configure/#querier
    querier=block(query_ingesters_within=GO_DURATION),
    # configure/#limits_config
    limits_config=block(
        allow_structured_metadata=FLAG,
        otlp_config=block(
            resource_attributes=block(
                ignore_defaults=FLAG,
                attributes_config={"type": "array", "items": ATTRIBUTES},
            )
        ),
        reject_old_samples=FLAG,
        reject_old_samples_max_age=DURATION,
        creation_grace_period=DURATION,
        shard_streams=block(
            enabled=FLAG, time_sharding_enabled=FLAG, time_sharding_ignore_recent=DURATION
        ),
        ingestion_rate_mb={"type": "number"},
        ingestion_burst_size_mb={"type": "number"},
        per_stream_rate_limit=SIZE,
        per_stream_rate_limit_burst=SIZE,
        max_global_streams_per_user=COUNT,
        max_line_size=SIZE,
        max_query_series=COUNT,
    ),
    # configure/#analytics
    analytics=block(("reporting_enabled",), reporting_enabled=FLAG),
)
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The configuration with another value at a path."""
    whole = copy.deepcopy(LOKI)
    *folders, last = path.split("/")
    inside = whole
    for folder in folders:
        inside = inside[folder]
    inside[last] = value
    return whole


def test_its_keys_are_those_that_loki_documents():
    assert [error.message for error in CHECK.iter_errors(LOKI)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("limits_config/max_line_sise", "1MB"),
        ("limits_config/creation_grace_period", "a week"),
        ("querier/query_ingesters_within", "1w"),
        ("limits_config/per_stream_rate_limit", "64 MiB"),
        ("table_manager", {}),
        ("schema_config/configs", []),
    ],
)
def test_the_schema_refuses_what_loki_would(path, value):
    assert list(CHECK.iter_errors(changed(path, value)))


def test_otlp_needs_the_newest_schema_and_index():
    (period,) = LOKI["schema_config"]["configs"]
    assert (period["store"], period["schema"]) == ("tsdb", "v13")
    assert LOKI["limits_config"]["allow_structured_metadata"] is True


def test_labels_are_few_and_leave_out_what_differs_by_run():
    attributes = LOKI["limits_config"]["otlp_config"]["resource_attributes"]
    assert attributes["ignore_defaults"] is True
    (labels,) = attributes["attributes_config"]
    assert labels["action"] == "index_label"
    assert labels["attributes"] == [
        "service.name",
        "service.namespace",
        "deployment.environment.name",
    ]


def test_runs_in_the_past_and_ahead_of_the_clock_are_taken_and_found():
    limits = LOKI["limits_config"]
    assert limits["reject_old_samples"] is False
    assert limits["creation_grace_period"].endswith("w")
    assert limits["shard_streams"] == {"enabled": False, "time_sharding_enabled": True}
    assert LOKI["querier"]["query_ingesters_within"] == "0s"


def test_a_batch_of_the_collector_fits_into_one_message():
    text = (ROOT / "config/collector/demo.yaml").read_text(encoding="utf-8")
    records = max(int(size) for size in re.findall(r"max_size: (\d+)", text))
    # The receiver's limit bounds what a client can send at once; 8 KiB is a record with content.
    assert LOKI["server"]["grpc_server_max_recv_msg_size"] >= records * 8 * 1024
    assert LOKI["limits_config"]["ingestion_burst_size_mb"] * MEBI >= records * 8 * 1024


def test_it_stores_where_compose_mounts_a_volume():
    targets = [target for source, target, _ in mounts("loki") if source == "loki-data"]
    assert targets == [LOKI["common"]["path_prefix"]]
    folders = LOKI["common"]["storage"]["filesystem"].values()
    assert all(folder.startswith(f"{targets[0]}/") for folder in folders)
    assert LOKI["server"]["http_listen_port"] == 3100
    # What may be on its way at once leaves room for the rest.
    burst = LOKI["limits_config"]["ingestion_burst_size_mb"] * MEBI
    assert burst < in_bytes(SERVICES["loki"]["mem_limit"]) / 4


def test_it_reports_nothing_to_its_makers():
    assert LOKI["analytics"] == {"reporting_enabled": False}

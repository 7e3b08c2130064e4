"""From file to scenario, or to every fault."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simtraffic.errors import ScenarioError, UsageError
from simtraffic.scenario.load import load_scenario, parse_scenario
from tests.scenario.cases import GOOD, KNOWN, changed, extended, faults, read

FULL = """
version: 1
name: full
description: Everything.
seed: 9
service:
  name: gateway
  namespace: platform
  version: 2.3.0
  environment: staging
  instances: 3
  attributes: {k8s.cluster.name: demo, shards: 4, canary: true, ratio: 0.5}
load:
  arrivals: gamma(cv=2.5)
  start: 60/m
  stages:
    - {duration: 30s, target: 50/s}
    - {name: steady, duration: 2m, rate: 50/s}
traffic:
  - name: support
    workflow: chat
    share: 70
    streaming: 80%
    tokens: {input: {p50: 900, p95: 4k}, output: {p50: 160, p95: 600}, cached: 30%, reasoning: 0.1}
    conversation: {turns: {mean: 2.4}, users: 5k}
    models: {openai/gpt-4o-mini: 60, anthropic/haiku: {weight: 25, errors: {auth: 1%}}}
    errors: {rate_limit: 2%}
  - name: index
    workflow: embeddings
    share: 30
    tokens: embeddings
    models: {openai/embed: 1}
errors: {rate_limit: 1%, timeout: 0.002}
retries: {max_attempts: 3, backoff: 250ms, fallback: {openai: anthropic, anthropic: google/flash}}
capacity: {openai: 300/s, anthropic/haiku: 50/s}
incidents:
  - {name: early, at: 5s, duration: 10s, slowdown: 4}
  - name: late
    in: steady
    after: 30s
    duration: 45s
    match: {provider: openai, flow: support, instance: 3}
    errors: {overloaded: 40%}
telemetry:
  conventions: [llm, gen_ai]
  signals: [traces, logs]
  metrics: {interval: 5s, temporality: delta, histograms: explicit, exemplars: false}
  content: none
  sampling: 50%
imperfections:
  late_spans: {share: 2%, by: 90s}
  missing_roots: 1%
  duplicate_ids: 0.02
  clock_skew: 3s
  oversize_attributes: {share: 3%, bytes: 64KiB}
  out_of_order_points: 4%
  missing_points: 5%
  counter_resets: 5m
thresholds:
  - delivered == 100%
  - p95(time_to_first_token) < 2s during steady
  - error_share > 5% during late where provider=openai
"""


class TestGoodFiles:
    def test_every_key_reaches_its_attribute(self):
        scenario = read(FULL)

        assert scenario.model_dump(exclude={"traffic", "thresholds"}) == {
            "version": 1,
            "name": "full",
            "description": "Everything.",
            "seed": 9,
            "service": {
                "name": "gateway",
                "namespace": "platform",
                "version": "2.3.0",
                "environment": "staging",
                "instances": 3,
                "attributes": {
                    "k8s.cluster.name": "demo",
                    "shards": 4,
                    "canary": True,
                    "ratio": 0.5,
                },
            },
            "load": {
                "arrivals": {"kind": "gamma", "cv": 2.5},
                "start": 1.0,
                "stages": (
                    {"name": "stage-1", "duration_ns": 30 * 10**9, "target": 50.0, "rate": None},
                    {"name": "steady", "duration_ns": 120 * 10**9, "target": None, "rate": 50.0},
                ),
            },
            "errors": {"rate_limit": 0.01, "timeout": 0.002},
            "retries": {
                "max_attempts": 3,
                "backoff_ns": 250_000_000,
                "fallback": {"openai": "anthropic", "anthropic": "google/flash"},
            },
            "capacity": {"openai": 300.0, "anthropic/haiku": 50.0},
            "incidents": (
                {
                    "name": "early",
                    "at_ns": 5 * 10**9,
                    "in_stage": None,
                    "after_ns": 0,
                    "duration_ns": 10 * 10**9,
                    "match": {"provider": None, "model": None, "flow": None, "instance": None},
                    "errors": {},
                    "slowdown": 4.0,
                },
                {
                    "name": "late",
                    "at_ns": 60 * 10**9,
                    "in_stage": "steady",
                    "after_ns": 30 * 10**9,
                    "duration_ns": 45 * 10**9,
                    "match": {
                        "provider": "openai",
                        "model": None,
                        "flow": "support",
                        "instance": 3,
                    },
                    "errors": {"overloaded": 0.4},
                    "slowdown": 1.0,
                },
            ),
            "imperfections": {
                "late_spans": {"share": 0.02, "by_ns": 90 * 10**9},
                "missing_roots": 0.01,
                "duplicate_ids": 0.02,
                "clock_skew_ns": 3 * 10**9,
                "oversize_attributes": {"share": 0.03, "bytes": 64 << 10},
                "out_of_order_points": 0.04,
                "missing_points": 0.05,
                "counter_resets_ns": 300 * 10**9,
            },
            "telemetry": {
                "conventions": ("llm", "gen_ai"),
                "signals": ("traces", "logs"),
                "metrics": {
                    "interval_ns": 5 * 10**9,
                    "temporality": "delta",
                    "histograms": "explicit",
                    "exemplars": False,
                },
                "content": "none",
                "sampling": 0.5,
            },
        }

    def test_flows_have_models_by_full_name(self):
        support, index = read(FULL).traffic

        assert support.model_dump() == {
            "name": "support",
            "workflow": "chat",
            "share": 70.0,
            "streaming": 0.8,
            "tokens": {
                "input": {"p50": 900, "p95": 4000},
                "output": {"p50": 160, "p95": 600},
                "cached": 0.3,
                "reasoning": 0.1,
            },
            "conversation": {"turns": {"mean": 2.4}, "users": 5000},
            "models": {
                "openai/gpt-4o-mini": {"weight": 60.0, "errors": {}},
                "anthropic/haiku": {"weight": 25.0, "errors": {"auth": 0.01}},
            },
            "errors": {"rate_limit": 0.02},
        }
        assert (index.tokens, index.streaming, index.conversation) == ("embeddings", 0.0, None)

    def test_what_is_left_out_has_its_default(self):
        scenario = read(GOOD)

        assert scenario.seed == 1
        assert scenario.service.name == "llm-service"
        assert scenario.service.instances == 1
        assert scenario.load.arrivals.kind == "poisson"
        assert scenario.load.start == 0.0
        assert (scenario.retries.max_attempts, scenario.retries.backoff_ns) == (1, 500_000_000)
        assert scenario.telemetry.conventions == ("gen_ai",)
        assert scenario.telemetry.signals == ("traces", "metrics", "logs")
        assert scenario.telemetry.metrics.interval_ns == 10 * 10**9
        assert scenario.thresholds == ()

    def test_a_byte_order_mark_and_crlf_change_nothing(self, tmp_path):
        file = tmp_path / "x.yaml"
        file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

        assert load_scenario(file, known=KNOWN) == read(GOOD)

    def test_a_convention_by_path_is_found_beside_the_file(self, tmp_path):
        (tmp_path / "own.yaml").touch()
        file = tmp_path / "x.yaml"
        file.write_text(extended("telemetry: {conventions: [gen_ai, own.yaml]}"))

        conventions = load_scenario(file, known=KNOWN).telemetry.conventions

        assert conventions == ("gen_ai", str(tmp_path / "own.yaml"))


class TestDigest:
    def test_the_same_text_has_the_same_digest(self):
        assert read(FULL).digest == read(FULL).digest

    def test_comments_and_spelling_of_quantities_do_not_count(self):
        assert read(GOOD).digest == read("# hello\n" + changed("20s", "20000ms")).digest

    def test_every_change_counts(self):
        others = [changed("5/s}\n    - {", "6/s}\n    - {"), "seed: 2\n" + GOOD]

        assert len({read(text).digest for text in [GOOD, *others]}) == 3

    def test_the_order_of_models_counts(self):
        one = changed("{openai/gpt-4o: 1}", "{openai/gpt-4o: 1, google/flash: 1}")
        two = changed("{openai/gpt-4o: 1}", "{google/flash: 1, openai/gpt-4o: 1}")

        assert read(one).digest != read(two).digest

    def test_where_a_convention_file_lies_does_not_count(self, tmp_path):
        digests = set()
        for folder in (tmp_path / "a", tmp_path / "b"):
            folder.mkdir()
            (folder / "own.yaml").touch()
            file = folder / "x.yaml"
            file.write_text(extended("telemetry: {conventions: [./own.yaml]}"))
            digests.add(load_scenario(file, known=KNOWN).digest)

        assert len(digests) == 1


class TestFaults:
    def test_all_sections_report_at_once_in_the_order_of_the_file(self):
        text = """\
            version: 1
            nam: x
            load:
              start: 10
              stages:
                - {duration: 30, rate: 5/s}
                - {duration: 30s}
            traffic:
              - name: chat
                workflow: rag
                share: 1
                tokens: conversatoin
                models: {openai/gpt-4o-mni: 1, gpt-4o: 1}
            retries: {fallback: {openai: openai}}
            thresholds: [p95(latency) < 2s]
            """

        assert faults(text) == [
            'x.yaml:2:1 nam: unknown key; found "nam"; did you mean name?',
            "x.yaml:4:10 load.start: rate without a unit; found 10; write 10/s",
            "x.yaml:6:18 load.stages[0].duration: duration without a unit; found 30;"
            " write 30s or 30ms",
            "x.yaml:7:7 load.stages[1]: neither target nor rate; found a mapping of duration;"
            " add target for a ramp or rate to hold",
            'x.yaml:10:15 traffic[0].workflow: unknown value; found "rag";'
            " known: chat, completion, embeddings",
            'x.yaml:12:13 traffic[0].tokens: unknown profile; found "conversatoin";'
            " did you mean conversation?",
            "x.yaml:13:14 traffic[0].models[openai/gpt-4o-mni]: unknown model;"
            ' found "openai/gpt-4o-mni"; did you mean openai/gpt-4o-mini?',
            'x.yaml:13:36 traffic[0].models.gpt-4o: unknown model; found "gpt-4o";'
            " did you mean openai/gpt-4o?",
            "x.yaml:14:30 retries.fallback.openai: a provider falls back to itself;"
            ' found "openai"; name another provider',
            'x.yaml:15:18 thresholds[0]: unknown measure; found "p95(latency) < 2s";'
            " did you mean lateness?",
        ]

    @pytest.mark.parametrize("key", ["version", "name", "load", "traffic"])
    def test_a_missing_key_is_named(self, key):
        kept = "".join(
            part
            for part in GOOD.replace("\nload", "\n\0load")
            .replace("\ntraffic", "\n\0traffic")
            .replace("\nname", "\n\0name")
            .split("\0")
            if not part.startswith(key)
        )

        (fault,) = faults(kept)

        assert f" {key}: a required key is missing; " in fault

    def test_keys_of_later_versions_are_unknown(self):
        lines = faults(extended("expect: {nothing_else: true}"))

        assert lines[0].startswith('x.yaml:13:1 expect: unknown key; found "expect"; known: ')

    def test_a_quoted_number_in_text_is_told_as_written(self):
        assert faults(extended("service: {version: 1.10}")) == [
            "x.yaml:13:20 service.version: not text; found 1.10; put it in quotes"
        ]

    def test_a_fault_stays_on_one_line_whatever_the_file_says(self):
        lines = faults(extended('"a\\nb\\e[31m": 1\nservice: {"x\\u2028y": "z\\n"}'))

        assert lines
        assert all(line.isprintable() for line in lines)


class TestUnreadable:
    @pytest.mark.parametrize("make", ["missing", "folder"])
    def test_a_path_that_cannot_be_read_is_wrong_usage(self, tmp_path, make):
        path = tmp_path / "x.yaml"
        if make == "folder":
            path.mkdir()

        with pytest.raises(UsageError, match="cannot be read"):
            load_scenario(path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
    def test_a_file_without_permission_is_wrong_usage(self, tmp_path):
        path = tmp_path / "x.yaml"
        path.touch(mode=0o000)

        with pytest.raises(UsageError, match="permission denied"):
            load_scenario(path)


LINES = st.sampled_from(GOOD.splitlines())
WORDS = st.sampled_from(
    """version name load stages traffic errors incidents thresholds telemetry retries service match
    duration target rate at in after weight models tokens input output p50 p95 extends capacity
    conversation turns mean users fallback conventions signals metrics interval attributes
    1 -1 0.5 30s 5/s 5% 4k .nan .inf 1e999 0x10 true ~ chat openai openai/gpt-4o ${X} ${X:-1} $${
    &a *a !!int !x << - ? : , [ ] { } | > ' " # % @ `""".split()  # noqa: SIM905 - a list is longer
)
SNIPPETS = st.lists(st.one_of(WORDS, st.sampled_from([" ", "\n", "\n  ", ": ", "- "])), max_size=60)
KEYS = st.one_of(WORDS.filter(str.isidentifier), st.text(max_size=5))
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), WORDS
)
TREES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=5)),
    max_leaves=25,
)
SECTION_NAMES = (
    *("version", "name", "seed", "service", "load", "traffic", "errors", "retries"),
    *("capacity", "incidents", "telemetry", "thresholds"),
)
SECTIONS = st.fixed_dictionaries({}, optional=dict.fromkeys(SECTION_NAMES, TREES))


def told_or_read(text):
    """Nothing but ScenarioError gets out, and its faults are whole lines."""
    found = None
    try:
        parse_scenario(text, environ={"X": "7"}, known=KNOWN)
    except ScenarioError as error:
        found = error.faults
    if found is not None:
        assert found
        assert all(str(fault).isprintable() and fault.problem for fault in found)
        assert all(fault.line >= 1 and fault.column >= 1 for fault in found)


class TestHostileText:
    @given(st.text())
    def test_any_text_is_told_in_faults(self, text):
        told_or_read(text)

    @given(SNIPPETS)
    def test_any_pieces_of_yaml_are_told_in_faults(self, pieces):
        told_or_read("".join(pieces))

    @given(TREES)
    def test_any_tree_is_told_in_faults(self, tree):
        told_or_read(as_flow(tree))

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(SECTIONS)
    def test_any_tree_under_a_known_key_is_told_in_faults(self, sections):
        told_or_read("".join(f"{key}: {as_flow(tree)}\n" for key, tree in sections.items()))

    @given(st.data())
    def test_any_subtree_of_a_good_scenario_may_be_anything(self, data):
        lines = FULL.strip().splitlines()
        index = data.draw(st.integers(0, len(lines) - 1))
        line = lines[index]
        key = line.partition(":")[0] if ":" in line else line
        lines[index] = f"{key}: {as_flow(data.draw(TREES))}"
        told_or_read("\n".join(lines))

    @given(st.binary())
    def test_any_bytes_are_told_in_faults(self, tmp_path_factory, data):
        file = tmp_path_factory.getbasetemp() / "any.yaml"
        file.write_bytes(data)

        with pytest.raises(ScenarioError) as caught:
            load_scenario(file, known=KNOWN)

        assert caught.value.faults


def as_flow(tree):
    """A tree as YAML in flow style; text as it is, so that it means whatever it means."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{k!r}: {as_flow(v)}" for k, v in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(as_flow(item) for item in tree) + "]"
    return "" if tree is None else str(tree)

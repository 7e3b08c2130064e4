"""What the parts of a scenario say about each other."""

from __future__ import annotations

import pytest

from simtraffic.scenario.quantities import ERROR_KINDS
from tests.scenario.cases import GOOD, changed, extended, faults, read


def one(text):
    """The only fault of a text, without its hint."""
    lines = faults(text)
    assert len(lines) == 1, lines
    return lines[0].partition(";")[0]


def incident(**keys):
    """The good scenario with an incident of these keys, on line 14."""
    said = {"name": "i", "at": "5s", "duration": "5s", "slowdown": 2, **keys}
    inside = ", ".join(f"{key.rstrip('_')}: {value}" for key, value in said.items() if value)
    return extended(f"incidents:\n  - {{{inside}}}\n")


class TestLoad:
    def test_target_and_rate_exclude_each_other(self):
        text = changed("rate: 5/s", "rate: 5/s, target: 6/s")

        assert one(text) == "x.yaml:6:46 load.stages[1].target: target and rate together"

    def test_a_stage_needs_target_or_rate(self):
        assert one(changed(", rate: 5/s", "")) == (
            "x.yaml:6:7 load.stages[1]: neither target nor rate"
        )

    def test_stages_have_different_names(self):
        assert one(changed("name: hold", "name: ramp")) == (
            "x.yaml:6:14 load.stages[1].name: duplicate name of stage"
        )

    def test_a_name_may_not_equal_a_default_name(self):
        text = changed("{name: ramp, ", "{").replace("name: hold", "name: stage-1")

        assert one(text) == "x.yaml:6:14 load.stages[1].name: duplicate name of stage"

    def test_the_run_takes_time(self):
        text = changed("10s", "0s").replace("20s", "0s")

        assert one(text) == "x.yaml:5:5 load.stages: the run takes no time"

    def test_a_stage_may_be_a_step(self):
        assert faults(changed("10s", "0s")) == []

    def test_there_is_a_stage(self):
        assert one(
            GOOD.partition("    -")[0].rstrip() + " []\n" + GOOD[GOOD.index("traffic") :]
        ) == ("x.yaml:4:11 load.stages: must not be empty")

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("gamma", "unknown arrivals"),
            ("gamma(cv=0)", "cv out of range"),
            ("gamma(cv=-1)", "unknown arrivals"),
            ("gamma(cv=101)", "cv out of range"),
            ("Poisson", "unknown arrivals"),
            ("3", "unknown arrivals"),
        ],
    )
    def test_other_arrivals_are_refused(self, value, problem):
        text = GOOD.replace("load:", f"load:\n  arrivals: {value}")

        assert one(text) == f"x.yaml:4:13 load.arrivals: {problem}"


class TestService:
    @pytest.mark.parametrize("value", ["0", "1001", "-1", "1.5", "true", "many"])
    def test_instances_are_1_to_1000(self, value):
        assert one(extended(f"service: {{instances: {value}}}")).startswith(
            "x.yaml:13:22 service.instances: "
        )

    @pytest.mark.parametrize("name", ["service.name", "service.instance.id", "simtraffic.run_id"])
    def test_attributes_of_ours_are_refused(self, name):
        text = extended(f"service: {{attributes: {{{name}: x}}}}")

        assert one(text).endswith("attribute is set by simtraffic")

    @pytest.mark.parametrize("value", ["[1]", "{a: 1}", "~", "9223372036854775808"])
    def test_attributes_that_cannot_be_sent_are_refused(self, value):
        assert one(extended(f"service: {{attributes: {{a: {value}}}}}")).startswith(
            "x.yaml:13:27 service.attributes.a: "
        )


class TestTraffic:
    def test_flows_have_different_names(self):
        flow = "  - {name: chat, workflow: chat, share: 1, tokens: conversation,"
        text = GOOD + f"{flow} models: {{openai/gpt-4o: 1}}}}\n"

        assert one(text) == "x.yaml:13:12 traffic[1].name: duplicate name of flow"

    def test_some_share_is_not_zero(self):
        assert one(changed("share: 1", "share: 0")) == (
            "x.yaml:10:12 traffic[0].share: all shares are zero"
        )

    def test_some_weight_is_not_zero(self):
        assert one(changed("{openai/gpt-4o: 1}", "{openai/gpt-4o: 0, google/flash: 0}")) == (
            "x.yaml:12:13 traffic[0].models: all weights are zero"
        )

    def test_a_flow_names_a_model(self):
        assert one(changed("{openai/gpt-4o: 1}", "{}")) == (
            "x.yaml:12:13 traffic[0].models: must not be empty"
        )

    @pytest.mark.parametrize(
        ("model", "hint"),
        [
            ("openai/gpt-4o-mni", "did you mean openai/gpt-4o-mini?"),
            ("gpt-4o", "did you mean openai/gpt-4o?"),
            ("OpenAI/GPT-4o", "did you mean openai/gpt-4o?"),
            ("zzz", "known: openai/gpt-4o, openai/gpt-4o-mini, anthropic/haiku, google/flash"),
        ],
    )
    def test_an_unknown_model_is_told_with_what_was_meant(self, model, hint):
        (line,) = faults(changed("{openai/gpt-4o: 1}", f"{{{model}: 1}}"))

        assert line.endswith(f'unknown model; found "{model}"; {hint}')

    def test_a_chat_flow_needs_chat_models(self):
        assert one(changed("openai/gpt-4o", "openai/embed")).endswith(
            "embeddings model, but the workflow is chat"
        )

    def test_an_embeddings_flow_needs_embeddings_models(self):
        assert one(changed("workflow: chat", "workflow: embeddings")).endswith(
            "chat model, but the workflow is embeddings"
        )

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("streaming: 10%", "traffic[0].streaming: embeddings do not stream"),
            (
                "conversation: {turns: {mean: 2}}",
                "traffic[0].conversation: embeddings have no conversation",
            ),
        ],
    )
    def test_embeddings_neither_stream_nor_converse(self, line, problem):
        text = changed("workflow: chat", f"workflow: embeddings\n    {line}")

        assert one(text.replace("openai/gpt-4o", "openai/embed")).endswith(problem)

    @pytest.mark.parametrize("workflow", ["rag", "agent", "batch"])
    def test_workflows_that_are_not_there_list_those_that_are(self, workflow):
        (line,) = faults(changed("workflow: chat", f"workflow: {workflow}"))

        assert line.endswith("known: chat, completion, embeddings")

    @pytest.mark.parametrize(
        ("tokens", "problem"),
        [
            ("{input: {p50: 9, p95: 8}, output: {p50: 1, p95: 1}}", "p95 is below p50"),
            ("{input: {p50: 1, p95: 2}, output: {p50: 9, p95: 8}}", "p95 is below p50"),
            ("{input: {p50: 1, p95: 2}}", "output is missing"),
            ("{output: {p50: 1, p95: 2}}", "a required key is missing"),
            ("{input: {p50: 1}, output: {p50: 1, p95: 1}}", "a required key is missing"),
            ("{input: {p50: -1, p95: 1}, output: {p50: 1, p95: 1}}", "count out of range"),
            ("conversatoin", "unknown profile"),
            ("7", "neither a profile nor lengths"),
        ],
    )
    def test_wrong_token_counts_are_told(self, tokens, problem):
        assert one(changed("tokens: conversation", f"tokens: {tokens}")).endswith(problem)

    @pytest.mark.parametrize("key", ["output: {p50: 1, p95: 2}", "reasoning: 5%"])
    def test_embeddings_have_no_output(self, key):
        text = changed("workflow: chat", "workflow: embeddings")
        text = text.replace("openai/gpt-4o", "openai/embed")
        text = text.replace("conversation", f"{{input: {{p50: 1, p95: 2}}, {key}}}")

        assert "embeddings have no" in one(text)

    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            ("{turns: {mean: 0.5}}", "must be at least 1"),
            ("{turns: {mean: 2}, users: 0}", "must be at least 1"),
            ("{turns: 3}", "must be a mapping"),
            ("{users: 3}", "a required key is missing"),
        ],
    )
    def test_wrong_conversations_are_told(self, said, problem):
        assert one(changed("share: 1", f"share: 1\n    conversation: {said}")).endswith(problem)


class TestErrors:
    def test_every_kind_of_the_simulation_is_known(self):
        from simtraffic.simulation import tables

        assert tables.ERROR_KINDS[1:] == ERROR_KINDS

    def test_shares_add_up_to_one_hundred_percent_at_most(self):
        assert faults(extended("errors: {auth: 60%, timeout: 40%}")) == []
        assert one(extended("errors: {auth: 60%, timeout: 41%}")) == (
            "x.yaml:13:9 errors: errors add up to more than 100%"
        )

    def test_a_flow_replaces_kind_by_kind(self):
        errors = "errors: {auth: 60%}"

        assert faults(changed("share: 1", "share: 1\n    errors: {auth: 90%}") + errors) == []
        assert one(changed("share: 1", "share: 1\n    errors: {timeout: 50%}") + errors) == (
            "x.yaml:11:13 traffic[0].errors: errors add up to more than 100%"
        )

    def test_a_model_replaces_kind_by_kind(self):
        said = "{openai/gpt-4o: {weight: 1, errors: {timeout: 50%}}}"

        assert one(changed("{openai/gpt-4o: 1}", said) + "errors: {auth: 60%}\n") == (
            "x.yaml:12:49 traffic[0].models[openai/gpt-4o].errors: errors add up to more than 100%"
        )

    def test_an_incident_adds(self):
        text = incident(errors="{auth: 50%}") + "errors: {auth: 60%}\n"

        (line,) = faults(text)

        assert "incidents[0].errors: errors add up to more than 100%; found 110% with" in line

    def test_incidents_at_the_same_time_add(self):
        two = "incidents:\n  - {name: a, at: 5s, duration: 5s, errors: {auth: 60%%}}\n"
        two += "  - {name: b, at: %s, duration: 5s, errors: {auth: 60%%}, match: {%s}}\n"

        assert "incidents[1].errors" in one(extended(two % ("9s", "")))
        assert faults(extended(two % ("10s", ""))) == []

    def test_incidents_at_different_instances_do_not_add(self):
        text = extended(
            """\
            service: {instances: 2}
            incidents:
              - {name: a, at: 5s, duration: 5s, errors: {auth: 60%}, match: {instance: 1}}
              - {name: b, at: 5s, duration: 5s, errors: {auth: 60%}, match: {instance: 2}}
            """
        )

        assert faults(text) == []
        assert "incidents[1].errors" in one(text.replace("instance: 2}}", "instance: 1}}"))

    def test_incidents_reach_fallbacks_too(self):
        text = incident(errors="{auth: 50%}", match="{provider: google}")
        text += "errors: {auth: 60%}\nretries: {fallback: {openai: google}}\n"

        assert "incidents[0].errors" in one(text)

    @pytest.mark.parametrize("value", ["-1%", "101%", "1.5", "-0.1", "true", "x", "[]", "~"])
    def test_shares_are_0_to_100_percent(self, value):
        assert one(extended(f"errors: {{auth: {value}}}")).startswith("x.yaml:13:16 errors.auth: ")


class TestRetries:
    @pytest.mark.parametrize(
        ("fallback", "problem"),
        [
            ("{openai: openai}", "a provider falls back to itself"),
            ("{openai: openai/gpt-4o-mini}", "a provider falls back to itself"),
            ("{openai: antropic}", "unknown provider"),
            ("{openai: anthropic/haik}", "unknown model"),
            ("{opnai: anthropic}", "unknown provider"),
            ("{openai: openai/embed}", "a provider falls back to itself"),
        ],
    )
    def test_wrong_fallbacks_are_told(self, fallback, problem):
        assert one(extended(f"retries: {{fallback: {fallback}}}")).endswith(problem)

    def test_a_fallback_can_do_what_the_traffic_needs(self):
        text = changed("workflow: chat", "workflow: embeddings")
        text = text.replace("openai/gpt-4o", "openai/embed").replace("conversation", "embeddings")

        assert one(text + "retries: {fallback: {openai: anthropic}}\n").endswith(
            "the fallback cannot stand in"
        )

    @pytest.mark.parametrize("value", ["0", "21", "1.5", "x"])
    def test_attempts_are_1_to_20(self, value):
        assert "retries.max_attempts" in one(extended(f"retries: {{max_attempts: {value}}}"))


class TestCapacity:
    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            ("opnai: 5/s", "unknown provider or model"),
            ("openai/gpt: 5/s", "unknown provider or model"),
            ("openai: 0/s", "a capacity of zero serves nothing"),
            ("openai: 5", "rate without a unit"),
        ],
    )
    def test_wrong_capacities_are_told(self, said, problem):
        assert one(extended(f"capacity: {{{said}}}")).endswith(problem)


class TestIncidents:
    def test_it_starts_inside_the_run(self):
        assert faults(incident(at="29s")) == []
        assert one(incident(at="30s")).endswith(
            "incidents[0].at: the incident starts after the end of the run"
        )

    def test_it_may_outlast_the_run(self):
        assert faults(incident(at="29s", duration="1h")) == []

    def test_in_and_after_count_from_the_stage(self):
        scenario = read(incident(at="", in_="hold", after="3s"))

        assert scenario.incidents[0].at_ns == 13 * 10**9

    @pytest.mark.parametrize(
        ("keys", "problem"),
        [
            ({"at": "5s", "in_": "hold"}, "incidents[0]: at and in together"),
            ({"at": ""}, "incidents[0]: neither at nor in"),
            ({"at": "5s", "after": "5s"}, "incidents[0].after: after without in"),
            ({"at": "", "in_": "hodl"}, "incidents[0].in: unknown stage"),
            (
                {"at": "", "in_": "ramp", "after": "10s"},
                "incidents[0].after: past the end of the stage",
            ),
            ({"duration": "0s"}, "incidents[0].duration: the incident takes no time"),
            ({"slowdown": "1"}, "incidents[0]: the incident changes nothing"),
            ({"slowdown": "-1"}, "incidents[0].slowdown: must be more than 0"),
            ({"match": "{provider: opnai}"}, "incidents[0].match.provider: unknown provider"),
            ({"match": "{model: gpt-4o}"}, "incidents[0].match.model: unknown model"),
            ({"match": "{flow: chta}"}, "incidents[0].match.flow: unknown flow"),
            ({"match": "{instance: 2}"}, "incidents[0].match.instance: unknown instance"),
            ({"match": "{instance: 0}"}, "incidents[0].match.instance: must be from 1 to 1000"),
            ({"match": "{provider: google}"}, "incidents[0].match: the incident matches nothing"),
            (
                {"match": "{provider: openai, model: anthropic/haiku}"},
                "incidents[0].match: the incident matches nothing",
            ),
        ],
    )
    def test_wrong_incidents_are_told(self, keys, problem):
        assert one(incident(**keys)).partition(" ")[2] == problem

    def test_a_fallback_can_be_matched(self):
        text = incident(match="{provider: google}")

        assert faults(text + "retries: {fallback: {openai: anthropic, anthropic: google}}\n") == []

    def test_incidents_have_different_names(self):
        text = incident() + "  - {name: i, at: 1s, duration: 1s, slowdown: 2}\n"

        assert one(text).endswith("incidents[1].name: duplicate name of incident")


class TestTelemetry:
    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            ("conventions: []", "must not be empty"),
            ("conventions: [gen-ai]", "unknown convention"),
            ("conventions: [llm, llm]", "listed twice"),
            ("conventions: [./nope.yaml]", "no such convention file"),
            ("conventions: llm", "must be a list"),
            ("signals: []", "must not be empty"),
            ("signals: [spans]", "unknown value"),
            ("signals: [logs, logs]", "listed twice"),
            ("sampling: 1.5", "share out of range"),
            ("content: {synthetic: {}}", "unknown value"),
            ("metrics: {interval: 99ms}", "interval too short"),
            ("metrics: {histograms: exponential}", "unknown value"),
            ("metrics: {temporality: deltas}", "unknown value"),
            ("metrics: {exemplars: yes}", "not true or false"),
        ],
    )
    def test_wrong_settings_are_told(self, said, problem):
        assert one(extended(f"telemetry: {{{said}}}")).endswith(f": {problem}")


class TestThresholds:
    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            ("error_share < 5% during hlod", "unknown stage or incident"),
            ("error_share < 5% during hold where provider=opnai", "unknown provider"),
            ("error_share < 5% where model=gpt-4o", "unknown model"),
            ("error_share < 5% where flow=chta", "unknown flow"),
            ("error_share < 5% where instance=2", "unknown instance"),
            ("error_share < 5% where instance=one", "unknown instance"),
            ("error_share < 5% where provider=google", "the threshold selects nothing"),
            ("error_share < 5% where model=openai/gpt-4o-mini", "the threshold selects nothing"),
        ],
    )
    def test_names_that_select_nothing_are_told(self, said, problem):
        assert one(extended(f"thresholds:\n  - {said}\n")).endswith(f"thresholds[0]: {problem}")

    def test_a_name_of_a_stage_and_an_incident_is_ambiguous(self):
        text = incident(name="hold") + "thresholds: [error_share < 5% during hold]\n"

        assert one(text).endswith("thresholds[0]: hold is both a stage and an incident")

    def test_conditions_that_hold_somewhere_are_fine(self):
        text = "thresholds: ['error_share < 5% during hold where instance=1, flow=chat']\n"

        assert faults(extended(text)) == []


class TestDoubts:
    """What rests on something broken is not told a second time."""

    def test_a_broken_duration_does_not_move_incidents_out_of_the_run(self):
        assert one(incident(at="25s").replace("20s", "20")).endswith("duration without a unit")

    def test_a_broken_name_does_not_make_thresholds_wrong(self):
        text = changed("name: hold", "name: [hold]")

        assert one(text + "thresholds: [error_share < 5% during hold]\n").endswith("not text")

    def test_a_broken_flow_does_not_hide_wrong_models_in_it(self):
        lines = faults(changed("share: 1", "share: x").replace("gpt-4o", "gpt-40"))

        assert [line.split()[1] for line in lines] == [
            "traffic[0].share:",
            "traffic[0].models[openai/gpt-40]:",
        ]

    def test_a_misspelt_key_is_told_once(self):
        assert one(changed("workflow", "workflwo")).endswith("traffic[0].workflwo: unknown key")

    def test_a_broken_kind_of_error_does_not_make_sums_wrong(self):
        assert one(extended("errors: {auth: 60%, tmeout: 60%}")).endswith("unknown kind of error")

    def test_everything_broken_is_told_item_by_item(self):
        assert len(faults("version: x\nname: 1\nload: 2\ntraffic: 3\nerrors: 4\n")) == 5

"""An alert and an SLO, with everything that their recipes want of a contributor."""

from __future__ import annotations

from tests.recipes.recipe import Edit

BLOB = "https://github.com/simtraffic/simtraffic/blob/main/docs/runbooks"


def _runbook(alert: str) -> str:
    return f"""\
# {alert}

## Meaning

Providers are too busy to answer.

## Confirm

```promql
sum by (server_address) (rate(http_client_request_duration_seconds_count{{http_response_status_code="503"}}[5m]))
```

## Likely causes

- A provider has trouble of its own.

## First actions

1. Look at the provider's page of incidents.

## Rehearse

<!-- generated: rehearsal -->
<!-- end -->
"""


def _scenario(name: str, alert: str) -> str:
    return f"""\
# yaml-language-server: $schema=../scenario.schema.json
extends: calm.yaml
name: {name}
description: OpenAI is too busy for every fifth call for twenty minutes and {alert} fires for it.

incidents:
  - {{name: busy, in: trouble, duration: 20m, match: {{provider: openai}}, errors: {{overloaded: 20%}}}}
"""


def _around(alert: str, stem: str, beside: str, *rehearsals: str) -> list[Edit]:
    """What every alert of a service wants besides its rule and the cases of promtool."""
    calm = "| `calm.yaml` | none | what the others change | 45 min |"
    return [
        Edit(f"docs/runbooks/{alert}.md", _runbook(alert), "new"),
        Edit(
            f"scenarios/alerts/{stem}.yaml", _scenario(stem.replace("_", "-"), alert), "new"
        ),
        Edit("scenarios/README.md", f"| `{stem}.yaml` | {alert} | OpenAI is busy | 45 min |\n",
             "below", calm),
        Edit("tests/stack/test_alert_scenarios.py", "".join(f"    {r},\n" for r in rehearsals),
             "below", "REHEARSALS = [\n"),
        Edit("tools/dashboards/failures.py", f'runbooks=("{alert}", "{beside}"', "instead",
             f'runbooks=("{beside}"'),
    ]  # fmt: skip


ALERT = [
    Edit(
        "config/prometheus/rules/llm.yml",
        f"""
      - alert: LLMOverloadedOften
        expr: >-
          sum by (service_name, deployment_environment_name, server_address)
          (rate(http_client_request_duration_seconds_count{{http_response_status_code="503"}}[5m])) > 0.5
        for: 5m
        labels: {{severity: info, team: ai-platform}}
        annotations:
          summary: "{{{{ $labels.server_address }}}} is too busy for {{{{ $labels.service_name }}}}"
          description: >-
            {{{{ printf "%.2f" $value }}}} calls a second are answered with 503.
          runbook_url: {BLOB}/LLMOverloadedOften.md
          dashboard: simtraffic-errors
""",
        "end",
    ),
    Edit(
        "config/prometheus/tests/llm.yml",
        """
  - name: a provider that is too busy is told, one that is not is not
    interval: 15s
    input_series:
      - {series: 'http_client_request_duration_seconds_count{service_name="busy", server_address="a", http_response_status_code="503"}', values: '0+15x60'}
      - {series: 'http_client_request_duration_seconds_count{service_name="fine", server_address="a", http_response_status_code="200"}', values: '0+15x60'}
    promql_expr_test:
      - expr: count by (service_name) (ALERTS{alertname="LLMOverloadedOften", alertstate="firing"})
        eval_time: 12m
        exp_samples:
          - {labels: '{service_name="busy"}', value: 1}
    alert_rule_test:
      - {eval_time: 4m, alertname: LLMOverloadedOften}
""",
        "end",
    ),
    *_around(
        "LLMOverloadedOften",
        "llm_overloaded_often",
        "LLMProviderErrorShareHigh",
        'Rehearsal("LLMOverloadedOften", 15, 20, severity="info")',
    ),
]

SLO = [
    Edit(
        "config/slo/provider-answers.yaml",
        """\
slo: provider-answers
alert: LLMAnswersBudgetBurn
objective: 99%
period: 30d
description: calls that the provider was not too busy for
total: http_client_request_duration_seconds_count
bad: http_client_request_duration_seconds_count{http_response_status_code="503"}
dashboard: simtraffic-slo
""",
        "new",
    ),
    Edit(
        "config/prometheus/tests/slo.yml",
        """
  - name: answers of providers
    interval: 1m
    input_series:
      - {series: 'http_client_request_duration_seconds_count{service_name="busy", http_response_status_code="503"}', values: '0+100x600'}
      - {series: 'http_client_request_duration_seconds_count{service_name="fine", http_response_status_code="200"}', values: '0+100x600'}
    promql_expr_test:
      - expr: count by (service_name) (ALERTS{alertname="LLMAnswersBudgetBurn", severity="critical", alertstate="firing"})
        eval_time: 8h
        exp_samples:
          - {labels: '{service_name="busy"}', value: 1}
""",
        "end",
    ),
    *_around(
        "LLMAnswersBudgetBurn",
        "llm_answers_budget_burn",
        "LLMAvailabilityBudgetBurn",
        'Rehearsal("LLMAnswersBudgetBurn", 12, 20, severity="critical")',
        'Rehearsal("LLMAnswersBudgetBurn", 25, 40, severity="warning")',
    ),
]

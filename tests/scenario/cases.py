"""A small good scenario, names to choose from, and a way to ask for the faults of a text."""

from __future__ import annotations

import textwrap

from simtraffic.errors import ScenarioError
from simtraffic.scenario.known import Known
from simtraffic.scenario.load import parse_scenario

KNOWN = Known(
    models={
        "openai/gpt-4o": "chat",
        "openai/gpt-4o-mini": "chat",
        "openai/embed": "embeddings",
        "anthropic/haiku": "chat",
        "google/flash": "chat",
    },
    profiles=("conversation", "embeddings"),
    conventions=("gen_ai", "llm"),
)

GOOD = """\
version: 1
name: good
load:
  stages:
    - {name: ramp, duration: 10s, target: 5/s}
    - {name: hold, duration: 20s, rate: 5/s}
traffic:
  - name: chat
    workflow: chat
    share: 1
    tokens: conversation
    models: {openai/gpt-4o: 1}
"""


def read(text, *, file="x.yaml", environ=None):
    """The scenario of a text, with the names above."""
    return parse_scenario(textwrap.dedent(text), file=file, environ=environ, known=KNOWN)


def faults(text, *, file="x.yaml", environ=None):
    """Every fault of a text, as lines."""
    try:
        read(text, file=file, environ=environ)
    except ScenarioError as error:
        return [str(fault) for fault in error.faults]
    return []


def changed(old, new):
    """The good scenario with one piece of text replaced."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)


def extended(more):
    """The good scenario with further sections at its end; they start on line 13."""
    return GOOD + textwrap.dedent(more)

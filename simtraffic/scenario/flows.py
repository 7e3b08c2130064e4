"""The section ``traffic``: what requests ask for, of which models, with how many tokens."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from simtraffic.scenario.part import Explained, Part
from simtraffic.scenario.quantities import (
    Errors,
    Name,
    Share,
    TokenCount,
    Weight,
    count,
    named,
    number,
    wrong,
)
from simtraffic.workflows import WorkflowName  # noqa: TC001 - pydantic's


class Quantiles(Part):
    """Median and 95th percentile of a number of tokens."""

    p50: Annotated[TokenCount, Explained("", "median", stand_in=1)]
    p95: Annotated[TokenCount, Explained("", "95th percentile, at least the median", stand_in=1)]


class TokenSpec(Part):
    """How long prompts and answers are."""

    input: Annotated[Quantiles, Explained("{p50: 900, p95: 4k}", "length of prompts")]
    output: Annotated[
        Quantiles | None, Explained("{p50: 160, p95: 600}", "length of answers; not for embeddings")
    ] = None
    """None for embeddings."""
    cached: Annotated[Share | None, Explained("30%")] = None
    """Share of the input tokens that the provider had cached."""
    reasoning: Annotated[Share | None, Explained("0.5")] = None
    """Share of the output tokens."""


def _tokens_kind(value: object) -> str:
    return "<spec>" if isinstance(value, dict | TokenSpec) else "<profile>"


_LENGTHS = "name one, such as conversation, or write {input: {p50: 900, p95: 4k}, output: {...}}"
_Profile = Annotated[str, *named("neither a profile nor lengths", _LENGTHS)]


class Turns(Part):
    """How many requests a conversation has."""

    mean: Annotated[
        float,
        BeforeValidator(lambda value: number(value, least=1.0)),
        WithJsonSchema({"type": "number", "minimum": 1}),
        Explained("2.4", "their mean", stand_in=1),
    ]


def _users(value: object) -> int:
    users = count(value)
    if users < 1:
        raise wrong("must be at least 1")
    return users


class Conversation(Part):
    """Requests of a flow belong to conversations of users."""

    turns: Annotated[Turns, Explained("{mean: 2.4}", "requests in a conversation")]
    users: Annotated[
        int,
        BeforeValidator(_users),
        WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}),
        Explained("500", "how many users talk", default="1000"),
    ] = 1000


class ModelShare(Part):
    """How often a flow chooses a model."""

    weight: Annotated[Weight, Explained("3", "in place of a plain number", stand_in=1)]
    errors: Annotated[Errors, Explained("{rate_limit: 5%}", "replace the flow's, kind by kind")] = (
        Field(default_factory=dict)
    )


def _model_share(value: object) -> object:
    if isinstance(value, dict | ModelShare):
        return value
    return ModelShare(weight=number(value))


class Flow(Part):
    """One kind of traffic."""

    name: Annotated[Name, Explained("support-chat", "of the flow", stand_in="unnamed")]
    workflow: Annotated[
        WorkflowName,
        Explained(
            "chat", "what a request asks for", hint="add workflow: chat, completion or embeddings"
        ),
    ]
    share: Annotated[Weight, Explained("70", stand_in=1)]
    """Relative to the other flows."""
    streaming: Annotated[
        Share, Explained("80%", "share of the requests whose answer is streamed", default="0%")
    ] = 0.0
    tokens: Annotated[
        Annotated[_Profile, Tag("<profile>")] | Annotated[TokenSpec, Tag("<spec>")],
        Discriminator(_tokens_kind),
        Explained(
            "conversation",
            "profile of the catalogue, or lengths of your own",
            hint="name a profile of the catalogue or give input and output",
            stand_in="unknown",
        ),
    ]
    conversation: Annotated[
        Conversation | None,
        Explained(
            "{turns: {mean: 2.4}, users: 500}", "puts the flow's requests into conversations"
        ),
    ] = None
    models: Annotated[
        dict[
            str,
            Annotated[
                ModelShare,
                BeforeValidator(_model_share, json_schema_input_type=float | ModelShare),
            ],
        ],
        Explained(
            "{openai/gpt-4o-mini: 3, anthropic/claude-haiku-4.5: 1}",
            hint="add models like {openai/gpt-4o-mini: 1}",
            stand_in={"unknown/unknown": 1},
        ),
    ] = Field(json_schema_extra={"minProperties": 1})
    """By ``provider/model``; weights are relative."""
    errors: Annotated[Errors, Explained("{timeout: 0.2%}")] = Field(default_factory=dict)
    """Replace the scenario's, kind by kind."""

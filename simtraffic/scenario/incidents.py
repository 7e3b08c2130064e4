"""The section ``incidents``: what goes wrong for a while."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simtraffic.scenario.part import Explained, Part
from simtraffic.scenario.quantities import (
    DurationNs,
    Errors,
    Factor,
    Name,
    Text,
    named,
    whole_from,
)

_Provider = Annotated[str, *named("not a provider", "write a name, such as openai")]
_Model = Annotated[str, *named("not a model", "write it like openai/gpt-4o-mini")]

UNPLACED = -1
"""``Incident.at_ns`` before ``in`` and ``after`` are resolved; never in a finished scenario."""


class Match(Part):
    """Whom an incident hits; everyone when nothing is given."""

    provider: Annotated[_Provider | None, Explained("openai", "calls to this provider")] = None
    model: Annotated[_Model | None, Explained("openai/gpt-4o-mini", "calls to this model")] = None
    """As under ``models``: ``provider/model``."""
    flow: Annotated[Text | None, Explained("support-chat", "requests of this flow")] = None
    instance: Annotated[
        Annotated[int, *whole_from(1, 1000)] | None,
        Explained("1", "requests of this instance, counted from 1"),
    ] = None
    """Counted from 1."""


class Incident(Part):
    """Something that goes wrong for a while."""

    name: Annotated[Name, Explained("openai-brownout", "of the incident", stand_in="unnamed")]
    at_ns: Annotated[DurationNs, Explained("60s", "start, from the start of the run")] = Field(
        default=UNPLACED, alias="at"
    )
    """Start, from the start of the run; what ``in`` and ``after`` say is resolved into it."""
    in_stage: Annotated[
        Text | None, Explained("steady", "stage that it happens in; in place of `at`")
    ] = Field(default=None, alias="in")
    after_ns: Annotated[
        DurationNs, Explained("30s", "from the start of the stage named by `in`", default="0s")
    ] = Field(default=0, alias="after")
    duration_ns: Annotated[
        DurationNs,
        Explained("45s", "of the incident", hint="add a duration like 30s", stand_in="1s"),
    ] = Field(alias="duration")
    match: Annotated[
        Match, Explained("{provider: openai}", "whom it hits; all of them when left out")
    ] = Match()
    errors: Annotated[Errors, Explained("{overloaded: 40%}")] = Field(default_factory=dict)
    """Added to the shares in force."""
    slowdown: Annotated[Factor, Explained("4", default="1")] = 1.0
    """Factor on the provider's time."""

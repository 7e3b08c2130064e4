"""The nouns of the catalogue: models, providers, token profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simtraffic.workflows import ModelKind


@dataclass(frozen=True, slots=True)
class Model:
    """A model at its provider: how fast it is, what it may hold, what it costs."""

    provider: str
    name: str
    kind: ModelKind
    tier: str
    """A name in ``tiers.yaml``."""
    network_ms: float
    """Median of the part of the first token's delay that does not depend on the prompt."""
    prefill_us_per_token: float
    """Per uncached input token."""
    per_token_us: float
    """Median time between output tokens."""
    sigma_first: float
    """Lognormal sigma of the first token's delay."""
    sigma_pace: float
    """Lognormal sigma of the time between tokens."""
    reasoning_share: float
    """Mean part of the output that is reasoning, 0 to 1."""
    context_window: int
    max_output: int
    input_pusd: int
    """Price of one uncached input token, in 1e-12 USD."""
    cached_pusd: int
    """Price of one cached input token, in 1e-12 USD."""
    output_pusd: int
    """Price of one output token, in 1e-12 USD."""
    capacity: float
    """Requests a second that are served before queues form."""
    source: str
    """Where figures come from that differ from the tier's."""

    @property
    def full_name(self) -> str:
        """The name used in scenarios, ``provider/model``."""
        return f"{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class Provider:
    """Who serves models: where calls go, and with which status it says that it is too busy."""

    name: str
    address: str
    port: int
    overloaded_status: int
    """HTTP status of an answer that says "overloaded"."""
    paths: Mapping[str, str]
    """Path by workflow; may hold ``{model}``."""

    def path(self, workflow: str, model: str) -> str:
        """The path of a call, such as ``/v1/chat/completions``."""
        return self.paths[workflow].replace("{model}", model)


@dataclass(frozen=True, slots=True)
class Lognormal:
    """One component of a mixture, on the natural-log scale."""

    weight: float
    mu: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Profile:
    """Token lengths and endings of a kind of traffic."""

    name: str
    input: tuple[Lognormal, ...]
    output: tuple[Lognormal, ...]
    """Empty when nothing is generated."""
    cached: float
    """Mean share of the input that is read from the provider's cache, outside conversations."""
    tool_call: float
    """Share of answers that end in a tool call."""
    content_filter: float
    """Share of answers that a content filter cuts off."""
    source: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that scenarios may name."""

    models: Mapping[str, Model]
    """By ``provider/model``, in catalogue order."""
    providers: Mapping[str, Provider]
    profiles: Mapping[str, Profile]

    def of_tier(self, provider: str, tier: str) -> Model | None:
        """The provider's first model of this tier in catalogue order; None when it has none."""
        fitting = (m for m in self.models.values() if m.provider == provider and m.tier == tier)
        return next(fitting, None)

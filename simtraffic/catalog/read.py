"""Reads the catalogue's data files into its nouns, without numpy, so that `check` stays quick."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from simtraffic.catalog.model import Catalog, Lognormal, Model, Profile, Provider

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.resources.abc import Traversable

PUSD_PER_TOKEN = 1_000_000
"""1 USD per million tokens, in 1e-12 USD per token."""

# The order in which providers are listed and, within a provider, models: fallbacks take the first
# of a tier, so that it must not depend on the file system.
PROVIDERS = ("openai", "anthropic", "google", "mistral", "deepseek", "cohere", "xai", "groq")


@cache
def load_catalog() -> Catalog:
    """The catalogue that ships with the package; read once a process."""
    data = resources.files("simtraffic.catalog") / "data"
    tiers = _read(data / "tiers.yaml")
    models: dict[str, Model] = {}
    providers: dict[str, Provider] = {}
    for name in PROVIDERS:
        document = _read(data / "providers" / f"{name}.yaml")
        providers[name] = Provider(name=name, paths=document["paths"], **document["server"])
        for model_name, figures in document["models"].items():
            model = _model(name, model_name, figures, tiers)
            models[model.full_name] = model
    profiles = {name: _profile(name, p) for name, p in _read(data / "profiles.yaml").items()}
    return Catalog(models=models, providers=providers, profiles=profiles)


def catalog_names() -> Mapping[str, str]:
    """Every ``provider/model`` with its kind (``chat`` or ``embeddings``), in catalogue order."""
    return {name: model.kind for name, model in load_catalog().models.items()}


def provider_names() -> tuple[str, ...]:
    """Every provider, in catalogue order."""
    return PROVIDERS


def profile_names() -> tuple[str, ...]:
    """Every token profile."""
    return tuple(load_catalog().profiles)


def _read(file: Traversable) -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    return loaded


def _model(provider: str, name: str, figures: dict[str, Any], tiers: dict[str, Any]) -> Model:
    merged = {"source": "", **tiers[figures["tier"]], **figures}
    prices = [int(Decimal(price) * PUSD_PER_TOKEN) for price in merged.pop("price")]
    return Model(
        provider=provider,
        name=name,
        kind="embeddings" if merged["tier"] == "embeddings" else "chat",
        input_pusd=prices[0],
        cached_pusd=prices[1],
        output_pusd=prices[2],
        **merged,
    )


def _profile(name: str, figures: dict[str, Any]) -> Profile:
    return Profile(
        name=name,
        input=tuple(Lognormal(*part) for part in figures["input"]),
        output=tuple(Lognormal(*part) for part in figures["output"]),
        cached=figures.get("cached", 0.0),
        tool_call=figures["finish"].get("tool_call", 0.0),
        content_filter=figures["finish"].get("content_filter", 0.0),
        source=figures["source"],
    )

from __future__ import annotations

import subprocess
import sys

import pytest

from simtraffic.catalog import catalog_names, load_catalog, profile_names, provider_names

NAMED_IN_DOCUMENTS = (
    "openai/gpt-4o-mini",
    "openai/gpt-4o",
    "openai/o4-mini",
    "openai/text-embedding-3-small",
    "anthropic/claude-haiku-4.5",
    "anthropic/claude-sonnet-4.6",
    "google/gemini-2.5-flash",
)


def test_there_is_enough_to_choose_from() -> None:
    catalog = load_catalog()
    assert len(catalog.models) >= 16
    assert len({model.provider for model in catalog.models.values()}) >= 6
    assert set(NAMED_IN_DOCUMENTS) <= set(catalog.models)
    assert {"conversation", "long_context", "code", "agent", "reasoning", "chat", "embeddings"} <= (
        set(profile_names())
    )


def test_names_come_with_their_kind() -> None:
    names = catalog_names()
    assert names["openai/text-embedding-3-small"] == "embeddings"
    assert names["openai/gpt-4o"] == "chat"
    assert tuple(names) == tuple(load_catalog().models)


@pytest.mark.parametrize("name", list(load_catalog().models))
def test_every_models_figures_are_sane(name: str) -> None:
    model = load_catalog().models[name]
    assert model.full_name == name
    assert model.network_ms > 0
    assert model.prefill_us_per_token > 0
    assert 0 <= model.cached_pusd <= model.input_pusd
    assert 0 <= model.reasoning_share < 1
    assert model.capacity > 0
    assert model.context_window > model.max_output
    if model.kind == "chat":
        assert model.max_output >= 256
        assert model.per_token_us > 0
        assert model.output_pusd > 0
    else:
        assert model.max_output == 0


def test_prices_are_exact_integers() -> None:
    mini = load_catalog().models["openai/gpt-4o-mini"]
    # 0.15, 0.075 and 0.6 USD per million tokens.
    assert (mini.input_pusd, mini.cached_pusd, mini.output_pusd) == (150_000, 75_000, 600_000)


def test_providers_say_where_they_answer() -> None:
    catalog = load_catalog()
    assert tuple(catalog.providers) == provider_names()
    assert catalog.providers["anthropic"].overloaded_status == 529
    assert catalog.providers["openai"].overloaded_status == 503
    google = catalog.providers["google"]
    assert google.path("chat", "gemini-2.5-flash") == (
        "/v1beta/models/gemini-2.5-flash:generateContent"
    )
    for provider in catalog.providers.values():
        assert set(provider.paths) == {"chat", "completion", "embeddings"}


def test_every_profile_names_its_source_and_is_a_mixture() -> None:
    for profile in load_catalog().profiles.values():
        assert profile.source
        assert sum(part.weight for part in profile.input) == pytest.approx(1.0)
        if profile.output:
            assert sum(part.weight for part in profile.output) == pytest.approx(1.0)
        assert profile.tool_call + profile.content_filter < 1


def test_a_tier_is_found_in_catalogue_order() -> None:
    catalog = load_catalog()
    found = catalog.of_tier("openai", "small")
    assert found is not None
    assert found.name == "gpt-4o-mini"
    assert catalog.of_tier("anthropic", "embeddings") is None


def test_reading_the_catalogue_does_not_import_numpy() -> None:
    code = (
        "import sys; from simtraffic.catalog import catalog_names; catalog_names(); "
        "sys.exit('numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

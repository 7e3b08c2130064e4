"""Reads the catalogue's data files into its nouns, without numpy, so that `check` stays quick.

Providers are what the folder ``data/providers`` holds, a file each. Everything that is wrong in any
file is told at once, with its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from simtraffic.catalog.document import Document
from simtraffic.catalog.model import Catalog, Lognormal, Model, Profile, Provider
from simtraffic.errors import CatalogError, Fault
from simtraffic.workflows import NAMES, ModelKind

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from simtraffic.catalog.document import Path

    _Tiers = Mapping[str, Mapping[str, Any]]

PUSD_PER_TOKEN = 1_000_000
"""1 USD per million tokens, in 1e-12 USD per token."""

_EMBEDDINGS = "embeddings"
_PROVIDER_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_SPEEDS = ("network_ms", "prefill_us_per_token")
_SIGMAS = ("per_token_us", "sigma_first", "sigma_pace")
_OF_TIER = (*_SPEEDS, *_SIGMAS, "reasoning_share", "capacity")
_OF_MODEL = ("tier", "context_window", "max_output", "price")
_MOST_TOKENS = 10**9
_MOST_PUSD = 10**15
_LAST = 10**6
"""Rank of a provider without one."""


@cache
def load_catalog() -> Catalog:
    """The catalogue that ships with the package; read once a process.

    Raises:
        CatalogError: a data file is wrong; carries every fault of all of them.
    """
    return read_catalog(resources.files("simtraffic.catalog") / "data")


def read_catalog(data: Traversable) -> Catalog:
    """The catalogue in this folder.

    Raises:
        CatalogError: a data file is wrong; carries every fault of all of them.
    """
    faults: list[Fault] = []
    tiers = _tiers(Document(data / "tiers.yaml", faults))
    found = [
        (rank, provider, models)
        for name, document in _provider_files(data / "providers", faults)
        for rank, provider, models in [_provider(name, document, tiers)]
    ]
    profiles = _profiles(Document(data / "profiles.yaml", faults))
    if faults:
        raise CatalogError(sorted(faults, key=lambda f: (f.file, f.line, f.column)))
    # Fallbacks take the first of a tier and lists show this order: it must not depend on the file
    # system.
    found.sort(key=lambda entry: (entry[0], entry[1].name))
    return Catalog(
        models={model.full_name: model for _, _, models in found for model in models},
        providers={provider.name: provider for _, provider, _ in found},
        profiles=profiles,
    )


def catalog_names() -> Mapping[str, str]:
    """Every ``provider/model`` with its kind (``chat`` or ``embeddings``), in catalogue order."""
    return {name: model.kind for name, model in load_catalog().models.items()}


def provider_names() -> tuple[str, ...]:
    """Every provider, in catalogue order."""
    return tuple(load_catalog().providers)


def profile_names() -> tuple[str, ...]:
    """Every token profile."""
    return tuple(load_catalog().profiles)


def _provider_files(folder: Traversable, faults: list[Fault]) -> Iterator[tuple[str, Document]]:
    """The providers' names and files; a file that would be passed over is a fault."""
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        name, dot, ending = file.name.rpartition(".")
        if ending == "yaml" and _PROVIDER_NAME.fullmatch(name):
            yield name, Document(file, faults)
        elif dot and ending.lower() in ("yaml", "yml") and name:
            problem = "no name of a provider's file"
            hint = "use small letters, digits, - and _, and .yaml"
            faults.append(Fault(Document(file, []).file, 0, 0, "", problem, hint=hint))


def _tiers(document: Document) -> _Tiers | None:
    """Figures by tier; None when they are unknown, and the fault is known."""
    if not document.is_read:
        return None
    tiers = document.entries(document.tree, (), "figures")
    for name, node in tiers.items():
        figures = document.mapping(node, (name,), _OF_TIER)
        _check_figures(document, figures, (name,))
    return {name: node for name, node in tiers.items() if isinstance(node, dict)}


def _check_figures(document: Document, figures: Mapping[str, Any], path: Path) -> None:
    """Speeds and capacity, as far as they are there."""
    for key in (*_SPEEDS, "capacity"):
        if key in figures:
            document.number(figures[key], (*path, key), above=0)
    for key in _SIGMAS:
        if key in figures and figures[key] != 0:
            document.number(figures[key], (*path, key), above=0)
    if "reasoning_share" in figures:
        document.share(figures["reasoning_share"], (*path, "reasoning_share"))


def _provider(
    name: str, document: Document, tiers: _Tiers | None
) -> tuple[int, Provider, list[Model]]:
    """A provider with its rank and its models."""
    wanted = ("server", "paths", "models")
    node = document.mapping(document.tree, (), wanted, ("rank",)) if document.is_read else {}
    rank = _LAST
    if "rank" in node:
        rank = document.whole(node["rank"], ("rank",), 1, _LAST - 1)
    server: dict[str, Any] = {"address": "", "port": 0, "overloaded_status": 0}
    if "server" in node:
        given = document.mapping(node["server"], ("server",), server)
        if "address" in given:
            server["address"] = _address(document, given["address"])
        for key, least, most in (("port", 1, 65535), ("overloaded_status", 400, 599)):
            if key in given:
                server[key] = document.whole(given[key], ("server", key), least, most)
    paths: dict[str, Any] = {}
    if "paths" in node:
        paths = document.mapping(node["paths"], ("paths",), NAMES)
        for workflow in NAMES:
            if workflow in paths:
                _check_path(document, paths[workflow], ("paths", workflow))
    models = document.entries(node["models"], ("models",), "models") if "models" in node else {}
    made = [_model(document, name, model, figures, tiers) for model, figures in models.items()]
    return rank, Provider(name=name, paths=paths, **server), [m for m in made if m is not None]


def _address(document: Document, node: object) -> str:
    address = document.text(node, ("server", "address"))
    if address and not re.fullmatch(r"[A-Za-z0-9.-]+", address):
        document.fault(
            ("server", "address"), "a host name is wanted", address, "leave out https://"
        )
    return address


def _check_path(document: Document, node: object, path: Path) -> None:
    text = document.text(node, path)
    if text and not re.fullmatch(r"/(?:[^{}\s?#]|\{model\})*", text):
        hint = "write it like /v1/chat; it may hold {model}"
        document.fault(path, "a path is wanted", text, hint)


def _model(
    document: Document,
    provider: str,
    name: str,
    node: object,
    tiers: _Tiers | None,
) -> Model | None:
    """A model over its tier's figures; None when it cannot be made, and the faults are known."""
    path: Path = ("models", name)
    before = len(document.faults)
    own = document.mapping(node, path, _OF_MODEL, (*_OF_TIER, "source"))
    tier = None
    if "tier" in own and tiers is not None:
        tier = document.choice(own["tier"], (*path, "tier"), tiers)
    _check_figures(document, own, path)
    if "source" in own:
        document.text(own["source"], (*path, "source"))
    kind: ModelKind = "embeddings" if tier == _EMBEDDINGS else "chat"
    for key in ("context_window", "max_output"):
        if key in own:
            document.whole(own[key], (*path, key), 0 if key == "max_output" else 1, _MOST_TOKENS)
    prices = _prices(document, own["price"], (*path, "price")) if "price" in own else None
    if len(document.faults) > before or tiers is None or tier is None or prices is None:
        return None
    if not set(_OF_TIER) <= set(tiers[tier]):
        return None
    figures = {"source": "", **tiers[tier], **own}
    del figures["price"]
    _check_lengths(document, figures, kind, path)
    return Model(
        provider=provider,
        name=name,
        kind=kind,
        input_pusd=prices[0],
        cached_pusd=prices[1],
        output_pusd=prices[2],
        **figures,
    )


def _check_lengths(
    document: Document, figures: Mapping[str, Any], kind: ModelKind, path: Path
) -> None:
    """What a model of this kind may hold and write."""
    most = figures["max_output"]
    if kind == _EMBEDDINGS and most != 0:
        document.fault((*path, "max_output"), "embeddings write nothing", most, "write 0")
    if kind != _EMBEDDINGS and most == 0:
        document.fault((*path, "max_output"), "a model of this tier writes something", most)
    if kind != _EMBEDDINGS and not figures["per_token_us"] > 0:
        found = figures["per_token_us"]
        document.fault((*path, "per_token_us"), "a number above 0 is wanted", found)
    if most >= figures["context_window"]:
        hint = "context_window counts input and output together"
        document.fault((*path, "max_output"), "not below context_window", most, hint)


def _prices(document: Document, node: object, path: Path) -> tuple[int, int, int] | None:
    """Input, cached input and output, in 1e-12 USD per token."""
    if not isinstance(node, list) or len(node) != 3:
        hint = 'write ["INPUT", "CACHED", "OUTPUT"], in USD per million tokens'
        document.fault(path, "three prices are wanted", node, hint)
        return None
    prices = [_price(document, price, (*path, index)) for index, price in enumerate(node)]
    known = [price for price in prices if price is not None]
    if len(known) < 3:
        return None
    if known[1] > known[0]:
        document.fault((*path, 1), "cached input costs more than other input", node[1])
    return known[0], known[1], known[2]


def _price(document: Document, node: object, path: Path) -> int | None:
    """A price, exactly: a number that is not in quotes has been rounded already."""
    if not isinstance(node, str):
        document.fault(path, "a price in quotes is wanted", node, 'write it like "0.15"')
        return None
    try:
        price = Decimal(node) * PUSD_PER_TOKEN
    except InvalidOperation:
        document.fault(path, "a price is wanted", node, 'write it like "0.15"')
        return None
    if not price.is_finite() or not 0 <= price <= _MOST_PUSD or price != int(price):
        hint = "in USD per million tokens, six digits after the point at most"
        document.fault(path, "a price from 0 on is wanted", node, hint)
        return None
    return int(price)


def _profiles(document: Document) -> dict[str, Profile]:
    if not document.is_read:
        return {}
    profiles = document.entries(document.tree, (), "profiles")
    return {name: _profile(document, name, node) for name, node in profiles.items()}


def _profile(document: Document, name: str, node: object) -> Profile:
    keys = ("source", "input", "output", "finish")
    given = document.mapping(node, (name,), keys, ("cached",))
    finish = document.mapping(
        given.get("finish", {}), (name, "finish"), (), ("tool_call", "content_filter")
    )
    shares = {key: document.share(share, (name, "finish", key)) for key, share in finish.items()}
    if sum(shares.values()) >= 1:
        document.fault((name, "finish"), "no answer ends by itself", finish)
    return Profile(
        name=name,
        input=_mixture(document, given.get("input", []), (name, "input"), may_be_empty=False),
        output=_mixture(document, given.get("output", []), (name, "output"), may_be_empty=True),
        cached=document.share(given.get("cached", 0.0), (name, "cached")),
        tool_call=shares.get("tool_call", 0.0),
        content_filter=shares.get("content_filter", 0.0),
        source=document.text(given.get("source", "unknown"), (name, "source")),
    )


def _mixture(
    document: Document, node: object, path: Path, *, may_be_empty: bool
) -> tuple[Lognormal, ...]:
    """Lognormals whose weights add up to one."""
    parts = []
    for index, part in enumerate(document.sequence(node, path)):
        if not isinstance(part, list) or len(part) != 3:
            document.fault((*path, index), "[weight, mu, sigma] is wanted", part)
            continue
        weight, mu, sigma = part
        parts.append(
            Lognormal(
                document.number(weight, (*path, index), above=0),
                document.number(mu, (*path, index)),
                0.0 if sigma == 0 else document.number(sigma, (*path, index), above=0),
            )
        )
    total = sum(part.weight for part in parts)
    if not parts and not may_be_empty:
        document.fault(path, "at least one [weight, mu, sigma] is wanted", node)
    elif parts and math.isfinite(total) and not math.isclose(total, 1, abs_tol=1e-6):
        document.fault(path, "the weights do not add up to 1", total)
    return tuple(parts)

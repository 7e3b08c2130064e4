"""Reads the catalogue's data files into its nouns, without numpy, so that `check` stays quick.

Providers are what the folder ``data/providers`` holds, a file each. Everything that is wrong in any
file is told at once, with its place.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from simtraffic.catalog.model import Catalog, Lognormal, Model, Profile, Provider
from simtraffic.documents.document import Document, read_document
from simtraffic.errors import Fault, FaultsError
from simtraffic.workflows import NAMES, ModelKind

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from simtraffic.documents.tree import Path

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
        FaultsError: a data file is wrong; carries every fault of all of them.
    """
    return read_catalog(resources.files("simtraffic.catalog") / "data")


def read_catalog(data: Traversable) -> Catalog:
    """The catalogue in this folder.

    Raises:
        FaultsError: a data file is wrong; carries every fault of all of them.
    """
    of_tiers, of_profiles = _read(data / "tiers.yaml"), _read(data / "profiles.yaml")
    of_providers = {file.name[: -len(".yaml")]: _read(file) for file in _files(data / "providers")}
    tiers = _tiers(of_tiers)
    found = [_provider(name, document, tiers) for name, document in of_providers.items()]
    profiles = _profiles(of_profiles)
    faults = _misnamed(data / "providers")
    for document in (of_tiers, *of_providers.values(), of_profiles):
        faults += document.faults
    if faults:
        raise FaultsError(sorted(faults, key=lambda f: (f.file, f.line, f.column)))
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
    """Names of the token profiles that a flow may give as its ``tokens``, in file order."""
    return tuple(load_catalog().profiles)


def _read(file: Traversable) -> Document:
    """The document of a data file; without a tree when it has mistakes of form."""
    name = _shown(str(file))
    try:
        document = read_document(file.read_bytes(), name)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Document(name, None, [Fault(name, 0, 0, "", f"cannot be read; {reason}")])
    return replace(document, tree=None) if document.faults else document


def _shown(file: str) -> str:
    """The path as people in the checkout write it."""
    try:
        relative = os.path.relpath(file)
    except OSError:
        # The working directory is no more.
        return file
    return file if relative.startswith("..") else relative


def _files(folder: Traversable) -> list[Traversable]:
    """Those of providers, by name."""
    return [
        file
        for file in sorted(folder.iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml") and _PROVIDER_NAME.fullmatch(file.name[: -len(".yaml")])
    ]


def _misnamed(folder: Traversable) -> list[Fault]:
    """A fault for each file that would be passed over."""
    good = {file.name for file in _files(folder)}
    problem = "no name of a provider's file"
    hint = "use small letters, digits, - and _, and .yaml"
    return [
        Fault(_shown(str(file)), 0, 0, "", problem, hint=hint)
        for file in folder.iterdir()
        if file.name not in good and file.name.lower().endswith((".yaml", ".yml"))
    ]


def _tiers(document: Document) -> _Tiers | None:
    """Figures by tier; None when they are unknown, and the fault is known."""
    if document.tree is None:
        return None
    tiers = document.names(document.data, (), "figures")
    for name, node in tiers.items():
        figures = document.mapping(node, (name,), _OF_TIER, _OF_TIER)
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
        _share(document, figures["reasoning_share"], (*path, "reasoning_share"))


def _share(document: Document, node: object, path: Path) -> float:
    """A number from 0 to less than 1."""
    if isinstance(node, int | float) and not isinstance(node, bool) and 0 <= node < 1:
        return node
    document.fault(path, "not a share", node, "write a number from 0 to less than 1")
    return 0.0


def _provider(
    name: str, document: Document, tiers: _Tiers | None
) -> tuple[int, Provider, list[Model]]:
    """A provider with its rank and its models."""
    wanted = ("server", "paths", "models")
    node = {}
    if document.tree is not None:
        node = document.mapping(document.data, (), (*wanted, "rank"), wanted)
    rank = _LAST
    if "rank" in node:
        rank = document.whole(node["rank"], ("rank",), 1, _LAST - 1)
    server: dict[str, Any] = {"address": "", "port": 0, "overloaded_status": 0}
    if "server" in node:
        given = document.mapping(node["server"], ("server",), server, server)
        if "address" in given:
            server["address"] = _address(document, given["address"])
        for key, least, most in (("port", 1, 65535), ("overloaded_status", 400, 599)):
            if key in given:
                server[key] = document.whole(given[key], ("server", key), least, most)
    paths: dict[str, Any] = {}
    if "paths" in node:
        paths = document.mapping(node["paths"], ("paths",), NAMES, NAMES)
        for workflow in NAMES:
            if workflow in paths:
                _check_path(document, paths[workflow], ("paths", workflow))
    models = document.names(node["models"], ("models",), "models") if "models" in node else {}
    made = [_model(document, name, model, figures, tiers) for model, figures in models.items()]
    return rank, Provider(name=name, paths=paths, **server), [m for m in made if m is not None]


def _address(document: Document, node: object) -> str:
    address = document.text(node, ("server", "address"))
    if isinstance(node, str) and not re.fullmatch(r"[A-Za-z0-9.-]+", address):
        document.fault(("server", "address"), "not a host name", address, "leave out https://")
    return address


def _check_path(document: Document, node: object, path: Path) -> None:
    text = document.text(node, path)
    if isinstance(node, str) and not re.fullmatch(r"/(?:[^{}\s?#]|\{model\})*", text):
        hint = "write it like /v1/chat; it may hold {model}"
        document.fault(path, "not a path", text, hint)


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
    own = document.mapping(node, path, (*_OF_MODEL, *_OF_TIER, "source"), _OF_MODEL)
    tier = None
    if "tier" in own and tiers is not None:
        tier = document.choice(own["tier"], (*path, "tier"), tiers, None)
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
        document.fault((*path, "per_token_us"), "must be more than 0", found)
    if most >= figures["context_window"]:
        hint = "context_window counts input and output together"
        document.fault((*path, "max_output"), "not below context_window", most, hint)


def _prices(document: Document, node: object, path: Path) -> tuple[int, int, int] | None:
    """Input, cached input and output, in 1e-12 USD per token."""
    if not isinstance(node, tuple) or len(node) != 3:
        hint = 'write ["INPUT", "CACHED", "OUTPUT"], in USD per million tokens'
        document.fault(path, "not three prices", node, hint)
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
        document.fault(path, "a price without quotes", node, 'write it like "0.15"')
        return None
    try:
        price = Decimal(node) * PUSD_PER_TOKEN
    except InvalidOperation:
        document.fault(path, "not a price", node, 'write it like "0.15"')
        return None
    if not price.is_finite() or not 0 <= price <= _MOST_PUSD or price != int(price):
        hint = "write 0 or more USD per million tokens, with six digits after the point at most"
        document.fault(path, "price out of range", node, hint)
        return None
    return int(price)


def _profiles(document: Document) -> dict[str, Profile]:
    if document.tree is None:
        return {}
    profiles = document.names(document.data, (), "profiles")
    return {name: _profile(document, name, node) for name, node in profiles.items()}


def _profile(document: Document, name: str, node: object) -> Profile:
    keys = ("source", "input", "output", "finish")
    given = document.mapping(node, (name,), (*keys, "cached"), keys)
    endings = ("tool_call", "content_filter")
    finish = document.mapping(given.get("finish", {}), (name, "finish"), endings)
    shares = {key: _share(document, share, (name, "finish", key)) for key, share in finish.items()}
    if sum(shares.values()) >= 1:
        document.fault((name, "finish"), "no answer ends by itself", finish)
    return Profile(
        name=name,
        input=_mixture(document, given.get("input"), (name, "input"), may_be_empty=False),
        output=_mixture(document, given.get("output"), (name, "output"), may_be_empty=True),
        cached=_share(document, given.get("cached", 0.0), (name, "cached")),
        tool_call=shares.get("tool_call", 0.0),
        content_filter=shares.get("content_filter", 0.0),
        source=document.text(given.get("source", "unknown"), (name, "source")),
    )


def _mixture(
    document: Document, node: object, path: Path, *, may_be_empty: bool
) -> tuple[Lognormal, ...]:
    """Lognormals whose weights add up to one."""
    parts = []
    for index, part in enumerate(document.items(node, path)):
        if not isinstance(part, tuple) or len(part) != 3:
            hint = "write [WEIGHT, MU, SIGMA]"
            document.fault((*path, index), "not a lognormal", part, hint)
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
        document.fault(path, "must not be empty", node, "add a [WEIGHT, MU, SIGMA]")
    elif parts and math.isfinite(total) and not math.isclose(total, 1, abs_tol=1e-6):
        document.fault(path, "the weights do not add up to 1", total)
    return tuple(parts)

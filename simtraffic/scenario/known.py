"""Names that a scenario may use but that live elsewhere: models, profiles, conventions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ALWAYS_ON = "http"


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to choose from."""

    models: Mapping[str, str]
    """``provider/model`` to its kind, ``chat`` or ``embeddings``."""
    profiles: tuple[str, ...]
    conventions: tuple[str, ...]

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider of a model, once."""
        return tuple(dict.fromkeys(provider_of(model) for model in self.models))


def provider_of(model: str) -> str:
    """The provider's part of ``provider/model``."""
    return model.partition("/")[0]


def shipped() -> Known:
    """What ships with the package."""
    # Read when a scenario is: `--help` needs no catalogue.
    from simtraffic.catalog import catalog_names, profile_names  # noqa: PLC0415

    return Known(dict(catalog_names()), tuple(profile_names()), convention_names())


def convention_names() -> tuple[str, ...]:
    """The built-in conventions, without the one that is always on.

    They are files; their compiler, to the right of scenarios, is not needed to list them.
    """
    folder = Path(__file__).parents[1] / "conventions"
    names = (path.stem for path in folder.glob("*.yaml"))
    return tuple(sorted(name for name in names if name != _ALWAYS_ON))

"""What there is to choose from: models with speed, capacity and price; providers; profiles.

Data files in ``data/`` with the source beside each figure.
"""

from __future__ import annotations

from simtraffic.catalog.model import Catalog, Lognormal, Model, Profile, Provider
from simtraffic.catalog.read import catalog_names, load_catalog, profile_names, provider_names

__all__ = [
    "Catalog",
    "Lognormal",
    "Model",
    "Profile",
    "Provider",
    "catalog_names",
    "load_catalog",
    "profile_names",
    "provider_names",
]

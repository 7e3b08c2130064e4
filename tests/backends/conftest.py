"""A store that answers as it is told, and a client that takes it for a Prometheus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simtraffic.backends.prometheus import Prometheus
from tests.backends.fake import Answering, answering


@pytest.fixture
def store() -> Iterator[Answering]:
    """A store that answers as a test tells it."""
    with answering(lambda *_: (404, "")) as made:
        yield made


@pytest.fixture
def prometheus(store: Answering) -> Iterator[Prometheus]:
    """Its client."""
    with Prometheus(f"{store.url}/") as made:
        yield made

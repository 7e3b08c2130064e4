"""One stack for all tests that need one; it is up in a second and fresh each time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.programs import tool
from tests.stack.live import LiveStack, live
from tools.stack.addresses import Addresses
from tools.stack.programs import NAMES
from tools.stack.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """The whole native stack on free ports, from the files of config/."""
    for name in NAMES:
        tool(name)
    with live(Stack(Addresses.free(), tmp_path_factory.mktemp("stack"))) as running:
        yield running

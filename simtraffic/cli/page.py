"""The page that a run serves about itself, as options and environment ask for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from simtraffic.cli import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from simtraffic.page import Page


@contextmanager
def opened(
    port: str | None, host: str | None, environ: Mapping[str, str], warn: Callable[[str], None]
) -> Iterator[Page | None]:
    """The page while it is entered; None when nobody asks for one.

    Raises:
        UsageError: the port is none, or cannot be listened on.
    """
    wanted = environment.page_address(port, host, environ)
    if port is None:
        for line in environment.skipped_ports(environ):
            warn(line)
    if wanted is None:
        yield None
        return
    from simtraffic.page import Page  # noqa: PLC0415 - most runs have none

    with Page(wanted.port, wanted.host, named=wanted.named) as page:
        yield page

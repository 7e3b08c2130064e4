"""What a run tells of itself, as options and environment ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from simtraffic.cli import environment

if TYPE_CHECKING:
    from simtraffic.result.watcher import Watcher
    from simtraffic.self_telemetry import Page


@contextmanager
def watchers(
    port: str | None,
    host: str | None,
    push_to: str | None,
    environ: Mapping[str, str],
    warn: Callable[[str], None],
) -> Iterator[list[Watcher]]:
    """The page and the sender while they are entered; none when nobody asks for one.

    Raises:
        UsageError: the port is none, or cannot be listened on; the endpoint is none.
    """
    found: list[Watcher] = []
    with ExitStack() as stack, opened(port, host, environ, warn) as page:
        if page is not None:
            found.append(page)
        if push_to is not None:
            from simtraffic.self_telemetry.push import Push  # noqa: PLC0415 - loads the SDK

            found.append(stack.enter_context(Push(push_to)))
        yield found


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
    from simtraffic.self_telemetry import Page  # noqa: PLC0415 - most runs have none

    with Page(wanted.port, wanted.host, named=wanted.named) as page:
        yield page

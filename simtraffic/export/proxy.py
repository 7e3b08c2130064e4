"""Which proxy of the environment the libraries would use on the way to a receiver.

httpx reads the variables as ``urllib.request`` does; the C core of gRPC reads those in lower case
alone, one list for every scheme. Both read the process's own environment, so this does as well.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

if TYPE_CHECKING:
    from simtraffic.export.settings import ExportSettings

_NOT_OF_GRPC = ("no_grpc_proxy", "no_proxy")
_OF_GRPC = ("grpc_proxy", "https_proxy", "http_proxy")


def proxy_of(settings: ExportSettings) -> str | None:
    """URL of the proxy before a receiver, without its credentials; None when there is none."""
    host = urlsplit(settings.endpoint).hostname
    if settings.loopback or not host:
        return None
    proxy, no_proxy = _grpc() if settings.protocol == "grpc" else _http(settings)
    if not proxy or _is_spared(host, no_proxy):
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_spared(host: str, no_proxy: str) -> bool:
    """Whether a list of hosts and domains names this host; ``*`` names all."""
    entries = [entry for part in no_proxy.lower().split(",") if (entry := part.strip().lstrip("."))]
    return any(entry in ("*", host) or host.endswith(f".{entry}") for entry in entries)


def _grpc() -> tuple[str, str]:
    proxy = next((value for name in _OF_GRPC if (value := os.environ.get(name, ""))), "")
    return proxy, next((found for name in _NOT_OF_GRPC if (found := os.environ.get(name, ""))), "")


def _http(settings: ExportSettings) -> tuple[str, str]:
    proxies = getproxies()
    proxy = proxies.get("https" if settings.secure else "http") or proxies.get("all", "")
    return proxy, proxies.get("no", "")


def is_sure_of_proxies() -> bool:
    """Whether all that speak of proxies here mean the same: ranges of addresses they do not."""
    names = ("no_proxy", "NO_PROXY", "no_grpc_proxy")
    return not any("/" in os.environ.get(name, "") for name in names)

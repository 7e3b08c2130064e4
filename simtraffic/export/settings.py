"""Where and how one signal is sent, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

Protocol = Literal["grpc", "http/protobuf", "http/json"]
Compression = Literal["none", "gzip"]

PROTOCOLS: tuple[Protocol, ...] = ("grpc", "http/protobuf", "http/json")
COMPRESSIONS: tuple[Compression, ...] = ("none", "gzip")
STANDARD_PORTS = {"grpc": 4317, "http/protobuf": 4318, "http/json": 4318}
_LOOPBACK_NAMES = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """How to reach the receiver of one signal."""

    endpoint: str
    """Full URL. For HTTP the whole path is in it; for gRPC the path has no meaning."""
    protocol: Protocol = "grpc"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Names in lower case. Values are secrets: they are left out of every repr."""
    timeout_s: float = 10.0
    compression: Compression = "none"
    certificate: str | None = None
    """PEM file with the authorities to trust, in place of the system's."""
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def secure(self) -> bool:
        """Whether TLS is used: the scheme decides."""
        return urlsplit(self.endpoint).scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether the receiver is this machine, which no proxy is asked for."""
        host = urlsplit(self.endpoint).hostname or ""
        return host in _LOOPBACK_NAMES or host.startswith("127.")

"""Whether the collector's port can be reached: 0, or 1 with the reason. Needs Python alone."""

from __future__ import annotations

import os
import socket
import sys
from urllib.parse import urlsplit


def main() -> int:
    """Connect to where OTEL_EXPORTER_OTLP_ENDPOINT points, and say no more."""
    target = urlsplit(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
    address = (target.hostname or "localhost", target.port or 4317)
    try:
        socket.create_connection(address, timeout=2).close()
    except OSError as error:
        sys.stderr.write(f"{address[0]}:{address[1]} cannot be reached: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""rotel, a collector written in Rust that lies inside a Python package, as a program to start."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sysconfig
from pathlib import Path

from simtraffic.backends.commands import url
from simtraffic.backends.ports import HOST, free_ports
from simtraffic.backends.programs import Program
from simtraffic.errors import UsageError


def find_rotel() -> str:
    """Path of its binary.

    Raises:
        UsageError: The package is not installed, or its binary does not start here.
    """
    found = importlib.util.find_spec("rotel")
    path = Path(found.origin).parent / "rotel-agent" if found and found.origin else None
    if path is None or not path.exists():
        raise UsageError(
            "programs missing: rotel; `make install` fetches it where a build for the platform is"
        )
    tried = subprocess.run(
        [path, "--version"], env={**os.environ, **beside_python()}, capture_output=True, check=False
    )
    if tried.returncode:
        said = " ".join(tried.stderr.decode(errors="replace").split())
        raise UsageError(f"rotel: does not start; {said}; install a build for this Python")
    return str(path)


def beside_python() -> dict[str, str]:
    """Environment in which it finds the library of the interpreter that it was built for."""
    known = [str(sysconfig.get_config_var("LIBDIR")), os.environ.get("LD_LIBRARY_PATH", "")]
    return {"LD_LIBRARY_PATH": ":".join(filter(None, known))}


def rotel(path: str, folder: Path, forward_to: str | None = None) -> Program:
    """A rotel on free ports that passes everything on over gRPC, or swallows it.

    Args:
        path: What :func:`find_rotel` gives.
        folder: For the files that it writes itself.
        forward_to: Address of a receiver; what comes is swallowed without one.
    """
    grpc, http = free_ports(2)
    onward = ["otlp", "--otlp-exporter-endpoint", forward_to] if forward_to else ["blackhole"]
    command = (
        *(path, "start", "--exporter", *onward),
        *("--otlp-grpc-endpoint", f"{HOST}:{grpc}", "--batch-timeout", "50ms"),
        *("--otlp-http-endpoint", f"{HOST}:{http}"),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel.log")),
    )
    ready = (f"{HOST}:{grpc}", f"{HOST}:{http}")
    addresses = {"grpc": url(grpc), "http": url(http)}
    return Program("rotel", command, ready, beside_python(), addresses)

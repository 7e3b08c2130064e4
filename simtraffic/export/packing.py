"""How lines are packed in a file: as they are, or compressed as its name says."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from simtraffic.errors import UsageError

# Telemetry is repetitive: the fastest level finds most of it, and a generator has no time to spare.
_GZIP_LEVEL = 1
_ZSTD_LEVEL = 3


def packer(path: str) -> Callable[[bytes], bytes]:
    """What a line becomes in a file of this name.

    Each line is a member (gzip) or a frame (zstd) of its own, and any number of these after each
    other is a valid file (RFC 1952, 2.2; RFC 8878, 3.1). So a file is whole after every line,
    whatever happens then, and the same lines are the same bytes.

    Raises:
        UsageError: the name asks for zstd, and the library for it is not there.
    """
    if path.endswith(".gz"):
        return lambda line: gzip.compress(line, _GZIP_LEVEL, mtime=0)
    if path.endswith(".zst"):
        return _zstd(path)
    return lambda line: line


def _zstd(path: str) -> Callable[[bytes], bytes]:
    try:
        import zstandard  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"--out {path}: zstd needs the package zstandard, which is not there;"
            " pip install 'simtraffic[zstd]', or name a file .gz"
        ) from error
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compress

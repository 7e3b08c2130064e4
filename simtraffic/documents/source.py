"""The bytes of a file, and their text."""

from __future__ import annotations

from simtraffic.errors import Fault, UsageError

MAX_BYTES = 1_000_000
"""Largest file that is read, unless somebody asks for more."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: str, most: int = MAX_BYTES) -> bytes:
    """The file's content; one byte more than ``most`` when it is larger than that.

    Raises:
        UsageError: The path cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{path}: cannot be read; {reason[:1].lower()}{reason[1:]}") from error


def decoded(data: bytes, file: str, most: int = MAX_BYTES) -> tuple[str | None, list[Fault]]:
    """The text of a file, without its byte-order mark and with LF line ends (from CRLF or CR)."""
    if len(data) > most:
        problem = f"the file is larger than {most / 1e6:g} MB"
        return None, [Fault(file, 0, 0, "", problem, hint="split it")]
    if data[:2] in _UTF16_MARKS:
        return None, [_not_utf8(file, 1, 1, "found UTF-16")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        column = error.start - before.rfind(b"\n")
        found = f"found byte 0x{data[error.start]:02x}"
        return None, [_not_utf8(file, before.count(b"\n") + 1, column, found)]
    return text.replace("\r\n", "\n").replace("\r", "\n"), []


def _not_utf8(file: str, line: int, column: int, found: str) -> Fault:
    problem, hint = "not UTF-8", "save it as UTF-8"
    return Fault(file, line, column, "", problem=problem, found=found, hint=hint)

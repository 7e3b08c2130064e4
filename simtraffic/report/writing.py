"""Files that are there as a whole, or as they were before."""

from __future__ import annotations

import contextlib
import os
import tempfile


def write_whole(path: str, text: str) -> None:
    """Write a text so that nobody ever reads half of it.

    It goes into a file beside the path and takes its place at the end. Where that cannot be (a
    device, a pipe, a folder that takes no new file) it is written straight.

    Raises:
        OSError: it cannot be written; what was there before is still there.
    """
    place = os.path.realpath(path)
    is_new = not os.path.exists(path)
    if is_new or os.path.isfile(place):
        with contextlib.suppress(PermissionError):
            _replace(place, text, None if is_new else os.stat(place).st_mode)
            return
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def _replace(place: str, text: str, mode: int | None) -> None:
    folder, name = os.path.split(place)
    number, beside = tempfile.mkstemp(prefix=f".{name}.", dir=folder or ".")
    try:
        with open(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(number)
        # A temporary file is its owner's alone; a new one should be as any other program's.
        os.chmod(beside, _usual_mode() if mode is None else mode & 0o777)
        os.replace(beside, place)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _usual_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask

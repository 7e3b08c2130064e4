"""Every key of the result file as a table."""

from __future__ import annotations

from simtraffic.result.schema import result_keys


def markdown() -> str:
    """The keys with what they hold and mean, in the order of the file."""
    rows = [f"| `{path}` | {kind} | {meaning} |" for path, kind, meaning in result_keys()]
    return "\n".join(["| key | holds | means |", "| --- | --- | --- |", *rows])

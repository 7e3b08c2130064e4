"""Keeps what is secret out of what receivers and libraries say.

A receiver may repeat a refused token in its answer, a library the headers in its error. Both end
in the ledger, the result file and the terminal.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from simtraffic.signals import Chunk

if TYPE_CHECKING:
    from simtraffic.export import SendResult, Transport
    from simtraffic.export.settings import ExportSettings

MASK = "***"
# Shorter ones are no secrets, and would be found in any text.
_SHORTEST = 6


class MaskedTransport:
    """A transport whose answers and errors repeat no header value."""

    def __init__(self, transport: Transport, settings: ExportSettings) -> None:
        self._transport = transport
        self._secrets = secrets_of(value for _, value in settings.headers)

    def send(self, chunk: Chunk, timeout_s: float) -> SendResult:
        """Send, and mask the answer."""
        try:
            result = self._transport.send(chunk, timeout_s)
        except Exception as error:
            said = str(error)
            if self._mask(said) == said:
                raise
            # Without the cause, whose words hold the secret.
            raise RuntimeError(f"{type(error).__name__}: {self._mask(said)}") from None
        masked = self._mask(result.message)
        return result if masked == result.message else dataclasses.replace(result, message=masked)

    def close(self) -> None:
        """Close what is behind."""
        self._transport.close()

    def _mask(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


def secrets_of(values: Iterable[str]) -> tuple[str, ...]:
    """What must not be repeated of header values, the longest first.

    The value, the token after a scheme such as ``Bearer``, and the password of ``Basic``.
    """
    found: set[str] = set()
    for value in values:
        scheme, _, token = value.partition(" ")
        found |= {value, token.strip()}
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(token, validate=True).decode("utf-8", "replace")
            except binascii.Error:
                continue
            found.add(pair.partition(":")[2])
    return tuple(sorted((each for each in found if len(each) >= _SHORTEST), key=len, reverse=True))

"""What Jaeger holds: traces, by service or by id."""

from __future__ import annotations

import json
from typing import Any

from simtraffic.backends.query import Store


class Jaeger(Store):
    """The API of Jaeger's query service."""

    name = "Jaeger"

    def traces(
        self, service: str, *, lookback: str = "1h", limit: int = 100_000
    ) -> list[dict[str, Any]]:
        """The newest traces of a service, as its API gives them: ``traceID``, ``spans``.

        Raises:
            AskError: It cannot be asked.
        """
        asked = {"service": service, "lookback": lookback, "limit": limit}
        found: list[dict[str, Any]] = self.get("/api/traces", **asked)["data"]
        return found

    def trace(self, trace_id: str) -> dict[str, Any]:
        """One trace as OTLP/JSON, by its id in hexadecimal.

        Raises:
            AskError: It cannot be asked, or has no such trace.
        """
        found: dict[str, Any] = self.get(f"/api/v3/traces/{trace_id}")
        return found

    def _reason(self, _status: int, text: str) -> str:
        """Its two APIs word errors differently."""
        try:
            tree = json.loads(text)
            errors = tree.get("errors") or [{"msg": tree.get("error", {}).get("message", "")}]
            return str(errors[0]["msg"])
        except (ValueError, AttributeError, LookupError, TypeError):
            return ""

"""What VictoriaLogs holds: log records, by queries in LogsQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from simtraffic.backends.query import Store


class VictoriaLogs(Store):
    """The API of VictoriaLogs."""

    name = "VictoriaLogs"

    def records(self, query: str) -> Iterator[dict[str, Any]]:
        """The log records that a query in LogsQL finds, each with its fields.

        Raises:
            AskError: It cannot be asked, or does not understand the query.
        """
        answer = self._ask("POST", "/select/logsql/query", data={"query": query})
        return (json.loads(line) for line in answer.text.splitlines())

    def _reason(self, status: int, text: str) -> str:
        """It answers in plain text."""
        return text if status == HTTPStatus.BAD_REQUEST else ""

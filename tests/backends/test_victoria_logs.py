"""VictoriaLogs has a record a line, and errors in plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.backends.query import AskError
from simtraffic.backends.victoria_logs import VictoriaLogs

if TYPE_CHECKING:
    from tests.backends.fake import Answering


def test_victorialogs_has_a_record_a_line(store: Answering) -> None:
    store.answer = lambda *_: (200, '{"_msg": "a"}\n{"_msg": "b"}\n')
    with VictoriaLogs(store.url) as logs:
        assert [record["_msg"] for record in logs.records("*")] == ["a", "b"]
        assert store.asked == [("/select/logsql/query", {"query": ["*"]})]
        store.answer = lambda *_: (400, "cannot parse query [(]: unexpected token\n")
        with pytest.raises(AskError, match=r"VictoriaLogs refuses; cannot parse .*; asked \("):
            logs.records("(")

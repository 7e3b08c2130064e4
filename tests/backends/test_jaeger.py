"""Jaeger has traces, and two ways to say what it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simtraffic.backends.jaeger import Jaeger
from simtraffic.backends.query import AskError

if TYPE_CHECKING:
    from tests.backends.fake import Answer, Answering


def test_jaeger_has_traces_and_says_what_it_lacks(store: Answering) -> None:
    said: dict[str, Answer] = {
        "/api/traces": (200, {"data": [{"traceID": "1", "spans": []}]}),
        "/api/v3/traces/1": (200, {"result": {"resourceSpans": []}}),
        "/api/v3/traces/2": (404, {"error": {"httpCode": 404, "message": "trace not found"}}),
    }
    store.answer = lambda path, _: said[path]
    with Jaeger(store.url) as jaeger:
        assert jaeger.traces("gateway", limit=5) == [{"traceID": "1", "spans": []}]
        assert jaeger.trace("1") == {"result": {"resourceSpans": []}}
        with pytest.raises(AskError, match="Jaeger refuses; trace not found; asked /api/v3"):
            jaeger.trace("2")
        said["/api/traces"] = (400, {"errors": [{"code": 400, "msg": "no service"}]})
        with pytest.raises(AskError, match="Jaeger refuses; no service; asked"):
            jaeger.traces("")
        said["/api/traces"] = (404, "not found")
        with pytest.raises(AskError, match="not a Jaeger; it answers 404"):
            jaeger.traces("")

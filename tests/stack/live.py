"""The native stack as tests see it: addresses, and questions to what stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from tools.stack.supervise import Stack

Labels = tuple[str, ...]


@dataclass(frozen=True)
class LiveStack:
    """A stack that is up."""

    native: Stack

    @property
    def prometheus(self) -> str:
        """Base URL."""
        return self.native.addresses.url("prometheus")

    @property
    def alertmanager(self) -> str:
        """Base URL."""
        return self.native.addresses.url("alertmanager")

    @property
    def jaeger(self) -> str:
        """Base URL."""
        return self.native.addresses.url("jaeger")

    @property
    def logs(self) -> str:
        """Base URL."""
        return self.native.addresses.url("logs")

    @property
    def webhook(self) -> str:
        """Base URL."""
        return self.native.addresses.url("webhook")

    @property
    def otlp(self) -> str:
        """Where to send over gRPC."""
        return self.native.addresses.url("collector_grpc")

    @property
    def collector_metrics(self) -> str:
        """The collector's own page."""
        return self.native.addresses.url("collector_metrics") + "/metrics"

    def vector(self, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
        """The samples of an instant query, now or at a time in Unix seconds."""
        return instant(self.prometheus, query, at_s)

    def number(self, query: str) -> float | None:
        """The one sample of an instant query; None when there is none."""
        return only(self.vector(query))

    def log_lines(self, query: str) -> Iterator[dict[str, Any]]:
        """The records that a LogsQL query finds."""
        answer = httpx.post(
            f"{self.logs}/select/logsql/query", data={"query": query}, timeout=60
        ).raise_for_status()
        return (json.loads(line) for line in answer.text.splitlines())

    def traces(self, service: str) -> list[dict[str, Any]]:
        """All traces of a service, as Jaeger has them."""
        answer = httpx.get(
            f"{self.jaeger}/api/traces",
            params={"service": service, "limit": "100000", "lookback": "1h"},
            timeout=60,
        ).raise_for_status()
        found: list[dict[str, Any]] = answer.json()["data"]
        return found


def instant(prometheus: str, query: str, at_s: float | None = None) -> list[dict[str, Any]]:
    """The samples of an instant query to a Prometheus, now or at a time in Unix seconds."""
    asked = {"query": query} if at_s is None else {"query": query, "time": str(at_s)}
    answer = httpx.get(f"{prometheus}/api/v1/query", params=asked, timeout=30)
    assert answer.status_code == 200, f"{query}: {answer.text}"
    found: list[dict[str, Any]] = answer.json()["data"]["result"]
    return found


def only(vector: list[dict[str, Any]]) -> float | None:
    """The value of a vector of at most one sample."""
    assert len(vector) <= 1, vector
    return float(vector[0]["value"][1]) if vector else None


def by(vector: list[dict[str, Any]], *labels: str) -> dict[Labels, float]:
    """Values of a vector by some of its labels, which must tell its samples apart."""
    found = {
        tuple(sample["metric"].get(label, "") for label in labels): float(sample["value"][1])
        for sample in vector
    }
    assert len(found) == len(vector), f"{labels} do not tell the samples apart"
    return found

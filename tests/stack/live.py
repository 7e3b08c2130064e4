"""The native stack as tests see it: addresses, and questions to what stores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simtraffic.backends.jaeger import Jaeger
from simtraffic.backends.prometheus import Prometheus
from simtraffic.backends.query import Store
from simtraffic.backends.victoria_logs import VictoriaLogs

if TYPE_CHECKING:
    from simtraffic.backends.prometheus import Series
    from tools.stack.stack import Stack

Labels = tuple[str, ...]


@dataclass(frozen=True)
class LiveStack:
    """A stack that is up, and its stores to be asked."""

    native: Stack
    prometheus: Prometheus
    jaeger: Jaeger
    logs: VictoriaLogs
    webhook: Store
    collector: Store
    """The collector's own page is at `/metrics`."""

    @property
    def otlp(self) -> str:
        """Where to send over gRPC."""
        return self.native.addresses.url("collector_grpc")

    def vector(self, query: str, at_s: float | None = None) -> list[Series]:
        """The samples of an instant query, now or at a time in Unix seconds."""
        return self.prometheus.instant(query, at_s)

    def number(self, query: str) -> float | None:
        """The one sample of an instant query; None when there is none."""
        return only(self.vector(query))


@contextmanager
def live(native: Stack) -> Iterator[LiveStack]:
    """A stack that is up inside the context."""
    at = native.addresses.url
    with (
        native,
        Prometheus(at("prometheus")) as prometheus,
        Jaeger(at("jaeger")) as jaeger,
        VictoriaLogs(at("logs")) as logs,
        Store(at("webhook"), name="webhook") as webhook,
        Store(at("collector_metrics"), name="collector") as collector,
    ):
        yield LiveStack(native, prometheus, jaeger, logs, webhook, collector)


def only(vector: Sequence[Series]) -> float | None:
    """The value of a vector of at most one sample."""
    assert len(vector) <= 1, vector
    return vector[0].value if vector else None


def by(vector: Sequence[Series], *labels: str) -> dict[Labels, float]:
    """Values of a vector by some of its labels, which must tell its samples apart."""
    found = {tuple(each.labels.get(label, "") for label in labels): each.value for each in vector}
    assert len(found) == len(vector), f"{labels} do not tell the samples apart"
    return found

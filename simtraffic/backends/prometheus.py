"""What Prometheus holds: series, exemplars, rules and alerts, as its API answers for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from simtraffic.arrays import Floats
from simtraffic.backends.query import Store

MOST_POINTS = 11_000
"""How many steps Prometheus answers in one range query (web/api/v1: "exceeded maximum resolution
of 11,000 points per timeseries")."""


@dataclass(frozen=True, slots=True)
class Series:
    """What Prometheus has of one set of labels."""

    labels: Mapping[str, str]
    times: Floats
    """Unix seconds, ascending; one for an instant, none for a native histogram."""
    values: Floats
    """One at each of the times; not a number where the store says so, as for a quantile of none."""

    @property
    def value(self) -> float:
        """The newest of them; an IndexError where there is none."""
        return float(self.values[-1])


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """An alert that Prometheus has now."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    """``pending`` or ``firing``."""
    since_s: float
    """When its expression began to hold, Unix seconds."""


class Prometheus(Store):
    """The API of Prometheus, and of what speaks it: Mimir, Thanos, VictoriaMetrics.

    Loki answers :meth:`instant` alike, under a URL that ends in ``/loki``.
    """

    name = "Prometheus"

    def instant(self, query: str, at_s: float | None = None) -> list[Series]:
        """What a query gives now, or at a time in Unix seconds; a scalar has no labels.

        Raises:
            AskError: It cannot be asked, or does not understand the query.
        """
        at = {} if at_s is None else {"time": at_s}
        return self._series("/api/v1/query", {"query": query, **at})

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> list[Series]:
        """What a query gives at each step, both ends included; all times in Unix seconds.

        More than :data:`MOST_POINTS` steps are asked for in pieces and put together, so that
        ``@ start()`` and ``@ end()`` would mean those of a piece.

        Raises:
            AskError: As :meth:`instant`.
        """
        steps = int((end_s - start_s) // step_s)
        pieces = []
        for first in range(0, steps + 1, MOST_POINTS):
            last = min(first + MOST_POINTS - 1, steps)
            window = {"start": start_s + first * step_s, "end": start_s + last * step_s}
            asked = {"query": query, **window, "step": step_s}
            pieces.append(self._series("/api/v1/query_range", asked))
        return pieces[0] if len(pieces) == 1 else _joined(pieces)

    def series(self, *selectors: str, start_s: float, end_s: float) -> list[dict[str, str]]:
        """Labels of every series that one of the selectors matches, between two Unix seconds.

        Raises:
            AskError: As :meth:`instant`.
        """
        asked = {"match[]": selectors, "start": start_s, "end": end_s}
        found: list[dict[str, str]] = self._data("/api/v1/series", asked)
        return found

    def label_values(self, label: str) -> list[str]:
        """All that a label stands for; those of ``__name__`` are the names of all series.

        Raises:
            AskError: As :meth:`instant`.
        """
        found: list[str] = self.get(f"/api/v1/label/{label}/values")["data"]
        return found

    def exemplars(self, query: str, start_s: float, end_s: float) -> list[dict[str, str]]:
        """Labels of every exemplar of the series that a query names, between two Unix seconds.

        Raises:
            AskError: As :meth:`instant`.
        """
        asked = {"query": query, "start": start_s, "end": end_s}
        found = self._data("/api/v1/query_exemplars", asked)
        return [each["labels"] for series in found for each in series["exemplars"]]

    def alerts(self) -> list[ActiveAlert]:
        """What is pending or firing.

        Raises:
            AskError: It cannot be asked.
        """
        return [
            ActiveAlert(
                each["labels"],
                each["annotations"],
                each["state"],
                datetime.fromisoformat(each["activeAt"]).timestamp(),
            )
            for each in self.get("/api/v1/alerts")["data"]["alerts"]
        ]

    def rule_groups(self) -> list[dict[str, Any]]:
        """The groups of rules that it has loaded, as its API gives them: ``name``, ``rules``.

        Raises:
            AskError: It cannot be asked.
        """
        found: list[dict[str, Any]] = self.get("/api/v1/rules")["data"]["groups"]
        return found

    def version(self) -> str:
        """Its own, such as ``3.14.0``.

        Raises:
            AskError: It cannot be asked.
        """
        return str(self.get("/api/v1/status/buildinfo")["data"]["version"])

    def take(self, metrics: bytes) -> None:
        """Give it an OTLP request of metrics, protobuf; its OTLP receiver has to be enabled.

        Raises:
            AskError: It does not take all of it.
        """
        headers = {"content-type": "application/x-protobuf"}
        self._ask("POST", "/api/v1/otlp/v1/metrics", content=metrics, headers=headers)

    def _series(self, path: str, asked: Mapping[str, Any]) -> list[Series]:
        data = self._data(path, asked)
        if data["resultType"] in {"scalar", "string"}:
            return [_one({}, [data["result"]])]
        return [
            _one(each["metric"], each.get("values") or ([each["value"]] if "value" in each else []))
            for each in data["result"]
        ]

    def _data(self, path: str, asked: Mapping[str, Any]) -> Any:
        tree = self.post(path, **asked)
        if not isinstance(tree, dict) or "data" not in tree:
            raise self._another("answers other JSON")
        return tree["data"]


def _one(labels: Mapping[str, str], samples: Sequence[Sequence[Any]]) -> Series:
    times, values = zip(*samples, strict=True) if samples else ((), ())
    return Series(labels, np.array(times, np.float64), np.array(values).astype(np.float64))


def _joined(pieces: Sequence[Sequence[Series]]) -> list[Series]:
    """Series of the same labels as one, in the order in which they are first met."""
    found: dict[frozenset[tuple[str, str]], list[Series]] = {}
    for series in (each for piece in pieces for each in piece):
        found.setdefault(frozenset(series.labels.items()), []).append(series)
    return [
        Series(
            parts[0].labels,
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.values for part in parts]),
        )
        for parts in found.values()
    ]

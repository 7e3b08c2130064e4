"""What stores answer by HTTP: one way to ask, one way to fail, and what Prometheus and others hold.

A question that fails ends in an :class:`AskError` of one line. Clients may be used by several
threads at once; each keeps its connections until it is closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import numpy as np

from simtraffic.arrays import Floats
from simtraffic.errors import ExitCode, SimtrafficError

TIMEOUT_S = 60.0
MOST_POINTS = 11_000
"""How many steps Prometheus answers in one range query (web/api/v1: "exceeded maximum resolution
of 11,000 points per timeseries")."""
_READY_S = 2.0
_MOST_SAID = 400
"""How many characters of another program's words are passed on."""


class AskError(SimtrafficError):
    """A store cannot be reached, is none, or refuses what it is asked."""

    exit_code = ExitCode.USAGE

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said
        """Why a store refused a question, in its words; empty when there was no such answer."""


class Store:
    """A program that answers questions in JSON.

    Args:
        url: Base of its API, such as ``http://localhost:9090``.
        name: What it is called in messages.
        login: User and password, where it wants them.
        timeout_s: How long each answer may take.
    """

    name = "store"

    def __init__(
        self,
        url: str,
        *,
        name: str = "",
        login: tuple[str, str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.url = url.rstrip("/")
        self.name = name or self.name
        self._shown = re.sub(r"(?<=//)[^/]*@", "", self.url)
        """For messages: who logs in by the address is not told."""
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            auth=login,
            timeout=timeout_s,
            trust_env=not _is_loopback(self.url),
        )

    def get(self, path: str, **parameters: Any) -> Any:
        """What it answers to a GET, read from JSON.

        Raises:
            AskError: There is no such answer.
        """
        return self._read(self._ask("GET", path, params=parameters))

    def post(self, path: str, **fields: Any) -> Any:
        """What it answers to a form, which may be longer than a URL, read from JSON.

        Raises:
            AskError: There is no such answer.
        """
        return self._read(self._ask("POST", path, data=fields))

    def text(self, path: str) -> str:
        """A page that is no JSON, such as ``/metrics``.

        Raises:
            AskError: There is no such page.
        """
        return self._ask("GET", path).text

    def close(self) -> None:
        """Close the connections; it is not asked again."""
        self._client.close()

    def __enter__(self) -> Self:
        """Itself, to be closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections, whatever happened inside."""
        self.close()

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, self.url + path, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            slow = isinstance(error, httpx.TimeoutException)
            why = f"no answer within {self._timeout_s:g} s" if slow else one_line(str(error))
            raise AskError(
                f"{self._shown}: {self.name} cannot be reached; {why or type(error).__name__};"
                " start it, or name another address"
            ) from error
        if answer.is_success:
            return answer
        said = one_line(self._reason(answer))
        if said:
            fields = request.get("data") or request.get("params") or {}
            asked = " ".join(str(fields.get("query", path)).split())
            raise AskError(f"{self._shown}: {self.name} refuses; {said}; asked {asked}", said)
        raise self._another(f"answers {answer.status_code} to {path}")

    def _reason(self, answer: httpx.Response) -> str:
        """Why it refuses, in its own words; empty when the answer is not like one of its own."""
        try:
            tree = answer.json()
        except ValueError:
            return ""
        return str(tree.get("error") or tree.get("message") or "") if isinstance(tree, dict) else ""

    def _read(self, answer: httpx.Response) -> Any:
        try:
            return answer.json()
        except ValueError as error:
            raise self._another("answers no JSON") from error

    def _another(self, found: str) -> AskError:
        return AskError(f"{self._shown}: not a {self.name}; it {found}; name another address")


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

    def _reason(self, answer: httpx.Response) -> str:
        """Its two APIs word errors differently."""
        try:
            tree = answer.json()
            errors = tree.get("errors") or [{"msg": tree.get("error", {}).get("message", "")}]
            return str(errors[0]["msg"])
        except (ValueError, AttributeError, LookupError, TypeError):
            return ""


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

    def _reason(self, answer: httpx.Response) -> str:
        """It answers in plain text."""
        return answer.text if answer.status_code == httpx.codes.BAD_REQUEST else ""


def answers(url: str) -> bool:
    """Whether this answers 200 now, within two seconds."""
    try:
        trust = not _is_loopback(url)
        return httpx.get(url, timeout=_READY_S, trust_env=trust).status_code == httpx.codes.OK
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


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


def _is_loopback(url: str) -> bool:
    """Whether it is of this machine, so that a proxy of the environment is not asked."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host in {"localhost", "::1"} or host.startswith("127.")


def one_line(text: str) -> str:
    """Another program's words on one line, of bounded length and without control characters."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text[: 4 * _MOST_SAID])
    return " ".join(plain.split())[:_MOST_SAID]

"""What is asked of stores by HTTP: one way to ask, one way to fail.

A question that fails ends in an :class:`AskError` of one line. Clients may be used by several
threads at once; each keeps its connections until it is closed.
"""

from __future__ import annotations

import json
import re
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from simtraffic.errors import ExitCode, SimtrafficError

TIMEOUT_S = 60.0
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
        said = one_line(self._reason(answer.status_code, answer.text))
        if said:
            fields = request.get("data") or request.get("params") or {}
            asked = " ".join(str(fields.get("query", path)).split())
            raise AskError(f"{self._shown}: {self.name} refuses; {said}; asked {asked}", said)
        raise self._another(f"answers {answer.status_code} to {path}")

    def _reason(self, _status: int, text: str) -> str:
        """Why it refuses, in its own words; empty when the answer is not like one of its own."""
        try:
            tree = json.loads(text)
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


def answers(url: str) -> bool:
    """Whether this answers 200 now, within two seconds."""
    try:
        trust = not _is_loopback(url)
        return httpx.get(url, timeout=_READY_S, trust_env=trust).status_code == httpx.codes.OK
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


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

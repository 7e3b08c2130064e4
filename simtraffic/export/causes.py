"""Why a receiver cannot be reached, in words that are the same for every signal and every try.

Libraries word one cause in many ways, with addresses, ports and numbers of the system in it. A
loss is reported once for a cause, so the words must not vary.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# What libc, Python, the C core of gRPC and its resolver (c-ares) say, and what it means. "in time"
# is judged last: a try that timed out often names an older cause as well.
_CAUSES = (
    (r"connection refused|errno 111\b|errno 61\b", "connection refused"),
    (
        r"temporary failure in name resolution|could not contact dns|"
        r"timeout while contacting dns|eai_again",
        "the host name cannot be looked up",
    ),
    (
        r"name or service not known|nodename nor servname|no address associated|getaddrinfo|"
        r"domain name not found|dns resolution failed|dns server returned answer with no data|"
        r"c-ares status is not ares_success",
        "there is no such host name",
    ),
    (r"no route to host|host is down|host is unreachable", "no route to the host"),
    (r"network is unreachable", "the network is unreachable"),
    (r"no such file or directory", "there is no such socket"),
    (r"permission denied|operation not permitted", "no permission to connect"),
    (
        r"timed out|timeout occurred|deadline exceeded|fd shutdown|failed to connect before",
        "no connection in time",
    ),
)
_PATTERNS = tuple((re.compile(words, re.IGNORECASE), cause) for words, cause in _CAUSES)
_CUT = re.compile(
    r"socket closed|connection reset|broken pipe|goaway|stream removed|rst_stream|"
    r"end of tcp stream|cancelling all calls|server disconnected|connection closed|"
    r"errno 104\b|errno 54\b",
    re.IGNORECASE,
)
_NOT_TAKEN = "no OTLP is taken at this path"
_UNKNOWN = re.compile(f"{_NOT_TAKEN}|does not take this signal")
_PATHS = ("/v1/traces", "/v1/metrics", "/v1/logs")
NO_ANSWER = "no answer in time"
_NAME = ("the host name cannot be looked up", "there is no such host name")


def cause_of(words: str) -> str | None:
    """Why no connection came about, in people's words; None when that is not what is said."""
    return next((cause for pattern, cause in _PATTERNS if pattern.search(words)), None)


def nothing_answers(address: str, cause: str, *, proxy: bool = False) -> str:
    """A sentence on a receiver, or a proxy before it, that cannot be reached."""
    place = f"the proxy {address}" if proxy else address
    if cause in _NAME:
        cure = "is the name right?"
    elif proxy:
        cure = "is it the right one?"
    else:
        cure = "is a collector running there?"
    return f"nothing answers at {place}: {cause}; {cure}"


def cut_off(address: str, words: str) -> str | None:
    """A sentence on a connection that was lost in the middle; None when that is not what is said.

    Whether it shows as a reset or an end depends on the moment, which is no cause of its own.
    """
    return f"{address} closed the connection before it answered" if _CUT.search(words) else None


def is_unknown_signal(reason: str) -> bool:
    """Whether a loss is one of a signal that the receiver does not take at all."""
    return _UNKNOWN.search(reason) is not None


def unknown_path(url: str, said: str) -> str:
    """What an HTTP server's refusal of a path means, with the URL that was asked."""
    parts = urlsplit(url)
    asked = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    path = next((each for each in _PATHS if parts.path.endswith(each)), "")
    if path and parts.path.removesuffix(path).endswith(path):
        cure = f"leave {path} out of the endpoint, as it is appended"
    else:
        cure = f"{_NOT_TAKEN}; check it, or leave its signal out with --signals"
    return f"{said}; asked was {asked}; {cure}"

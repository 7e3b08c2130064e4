"""A whole run of inputs: chosen, fed, judged, and the process watched meanwhile."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simtraffic.export.answers import SERVICES
from tests.fuzz import corpus
from tests.fuzz.doors import FindingError, GrpcInProcess, HttpInProcess, Wire, feed_both
from tests.fuzz.mutation import Dice, mutated
from tests.fuzz.structure import change_message, change_tree

# One input may not take longer, in seconds: some hundred times what the slowest does.
SLOWEST_S = 5.0
# With no progress for so long, every thread's stack is printed and the process ends.
HANG_S = 120.0
# Memory that may come on top after the first third, when everything bounded is full: what the
# allocators of Python, protobuf and gRPC keep in pieces.
MOST_GROWTH = 16 << 20
# Inputs on real sockets, of every this many.
WIRE_EVERY = 20
ALIVE_EVERY = 2_000
# Of fewer inputs nothing can be said about growth.
FEWEST_FOR_GROWTH = 2_000


@dataclass
class Report:
    """What was done."""

    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    growth_bytes: int = 0
    fed: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        fed = ", ".join(f"{count:,} {name}" for name, count in sorted(self.fed.items()))
        said = ", ".join(f"{count:,} {name}" for name, count in self.answers.most_common())
        return (
            f"{self.inputs:,} inputs in {self.seconds:.0f} s, the slowest"
            f" {self.slowest_s * 1e3:.0f} ms; memory {self.growth_bytes / 2**20:+.1f} MiB\n"
            f"  fed: {fed}\n  answers: {said}"
        )


class Campaign:
    """Feeds inputs; the same seed and number are the same input.

    Args:
        seed: Of all of them.
        keep: Folder that a finding's input is written to.
    """

    def __init__(self, seed: int, keep: Path) -> None:
        self._seed = seed
        self._keep = keep
        self._messages = corpus.messages()
        bodies = corpus.bodies()
        self._protobuf = [(signal, body) for signal, is_json, body in bodies if not is_json]
        self._json = [(signal, body) for signal, is_json, body in bodies if is_json]
        self._whole = corpus.http_requests()
        self._http2 = [corpus.http2_request(signal, body) for signal, body in self._protobuf]
        self._others = [body for _, _, body in bodies]

    def run(self, inputs: int, first: int = 0) -> Report:
        """Feed ``inputs`` from number ``first`` on.

        Raises:
            FindingError: With all that is needed to see it again.
        """
        report = Report()
        threads, handles = threading.active_count(), _handles()
        began = time.perf_counter()
        self._http, self._grpc, self._wire = HttpInProcess(), GrpcInProcess(), Wire()
        base = _rss()
        try:
            for number in range(first, first + inputs):
                if number % 500 == 0:
                    faulthandler.dump_traceback_later(HANG_S, exit=True)
                self._one(number, report)
                if number % ALIVE_EVERY == 0:
                    self._wire.still_serves()
                if report.inputs == inputs // 3:
                    base = _rss()
            self._wire.still_serves()
        finally:
            faulthandler.cancel_dump_traceback_later()
            self._wire.close()
            self._grpc.close()
        report.growth_bytes = _rss() - base
        report.seconds = time.perf_counter() - began
        if inputs >= FEWEST_FOR_GROWTH and report.growth_bytes > MOST_GROWTH:
            raise FindingError(f"memory grows: {report}")
        if threading.active_count() > threads:
            raise FindingError(f"threads are left: {threading.enumerate()}")
        gc.collect()
        # The native library keeps a few of its own once it was used.
        if _handles() > handles + 8:
            raise FindingError(f"{_handles() - handles} file handles are left open")
        return report

    def _one(self, number: int, report: Report) -> None:
        dice = Dice(self._seed, number)
        name, sent, feed = self._choose(dice)
        began = time.perf_counter()
        try:
            answer = feed()
            took_s = time.perf_counter() - began
            _judge_time(took_s)
        except Exception as error:
            self._keep.mkdir(parents=True, exist_ok=True)
            path = self._keep / f"finding-{self._seed}-{number}.bin"
            path.write_bytes(sent)
            raise FindingError(
                f"{name}: {type(error).__name__}: {error}; {len(sent)} bytes, kept in {path};"
                f" again: python -m tests.fuzz --seed {self._seed} --first {number} --inputs 1"
            ) from error
        report.inputs += 1
        report.slowest_s = max(report.slowest_s, took_s)
        report.fed[name] += 1
        report.answers[answer] += 1

    def _choose(self, dice: Dice) -> tuple[str, bytes, Any]:
        """A name for people, the input, and how it is fed."""
        if not dice.below(WIRE_EVERY):
            return self._choose_wire(dice)
        match dice.below(10):
            case 0:
                signal, start = self._messages[dice.below(len(self._messages))]
                message = SERVICES[signal].request()
                message.CopyFrom(start)
                change_message(dice, message)
                whole = message.SerializeToString()
                both = self._http, self._grpc
                return "valid requests at both", whole, lambda: feed_both(*both, signal, whole)
            case 1:
                signal, body = self._json[dice.below(len(self._json))]
                tree = change_tree(dice, json.loads(body))
                body = json.dumps(tree).encode()
                sent = corpus.http_request(signal, body, is_json=True)
                return "trees of JSON at HTTP", sent, lambda: self._http.feed(sent)
            case 2 | 3:
                signal, body = self._body(dice, self._protobuf)
                return "messages at gRPC", body, lambda: self._grpc.feed(signal, body)
            case 4 | 5:
                signal, body = self._body(dice, self._json)
                sent = corpus.http_request(signal, body, is_json=True)
                return "JSON at HTTP", sent, lambda: self._http.feed(sent)
            case 6:
                signal, body = self._body(dice, self._protobuf)
                sent = corpus.http_request(signal, body, is_json=False, coding="gzip")
                return "gzip at HTTP", sent, lambda: self._http.feed(sent)
            case _:
                sent = mutated(dice, self._whole[dice.below(len(self._whole))], self._whole)
                return "whole requests at HTTP", sent, lambda: self._http.feed(sent)

    def _choose_wire(self, dice: Dice) -> tuple[str, bytes, Any]:
        match dice.below(3):
            case 0:
                sent = mutated(dice, self._whole[dice.below(len(self._whole))], self._whole)
                return "HTTP over TCP", sent, lambda: self._wire.feed_http(sent)
            case 1:
                sent = mutated(dice, self._http2[dice.below(len(self._http2))], self._http2)
                return "HTTP/2 over TCP", sent, lambda: self._wire.feed_http2(sent)
            case _:
                signal, body = self._body(dice, self._protobuf)
                return "calls over gRPC", body, lambda: self._wire.feed_call(signal, body)

    def _body(self, dice: Dice, chosen: list[tuple[str, bytes]]) -> tuple[str, bytes]:
        signal, body = chosen[dice.below(len(chosen))]
        if not dice.below(10):
            # At the wrong door.
            signal = list(SERVICES)[dice.below(3)]
        return signal, mutated(dice, body, self._others)


def _judge_time(took_s: float) -> None:
    if took_s > SLOWEST_S:
        raise FindingError(f"took {took_s:.1f} s")


def _rss() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))

"""tools/stack/probe.py against real servers on loopback."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from simtraffic.backends.ports import free_ports
from simtraffic.backends.programs import Program, Running
from simtraffic.clock import monotonic
from tests.real.programs import PATIENCE_S, wait_until
from tools.stack import probe
from tools.stack.probe import HEALTHY, Probe, Target, ask, ask_all, healthy, main

NOBODY = "http://127.0.0.1:1/"


class Service(ThreadingHTTPServer):
    """Answers every path with its status."""

    daemon_threads = True
    status = 200
    together: threading.Barrier | None = None
    """Who must be here before anyone is answered."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        if self.server.together is not None:
            with suppress(threading.BrokenBarrierError):
                self.server.status = 500
                self.server.together.wait(2)
                self.server.status = 200
        body = f"status {self.server.status}".encode()
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None: ...


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def service() -> Iterator[Service]:
    server = Service(("127.0.0.1", 0), Handler)
    with running(server):
        yield server


def told(url: str) -> tuple[int, dict[str, str]]:
    """Status and body of an answer, a bad one too, which a store's client would not give."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_service_that_answers_is_healthy(service):
    assert ask(Target("a", service.url)) == HEALTHY


@pytest.mark.parametrize("status", [404, 500, 503])
def test_another_answer_is_passed_on(service, status):
    service.status = status
    assert ask(Target("a", service.url)) == f"answers {status}: status {status}"


def test_nobody_there_is_said():
    assert ask(Target("a", NOBODY)).startswith("does not answer: ")


def test_one_that_hangs_is_given_up_in_time(service):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hangs = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        since = monotonic()
        found = ask_all([Target("b", hangs), Target("a", service.url)], timeout=0.2)
    assert monotonic() - since < 0.8 * probe.TIMEOUT_S
    assert list(found) == ["b", "a"]
    assert "timed out" in found["b"]
    assert found["a"] == HEALTHY


def test_all_are_asked_at_once(service):
    service.together = threading.Barrier(2)
    found = ask_all([Target("a", service.url), Target("b", service.url)], timeout=5)
    assert set(found.values()) == {HEALTHY}


def test_a_proxy_of_the_environment_is_not_asked(service):
    command = [sys.executable, probe.__file__, "--once", f"a={service.url}"]
    environ = {**os.environ, "http_proxy": NOBODY, "HTTP_PROXY": NOBODY, "no_proxy": ""}
    assert subprocess.run(command, env=environ, check=False).returncode == 0


@pytest.mark.parametrize(
    "text", ["a", "a=", "=http://x", "a=ftp://x", "http://x/?y=1", "a=file:///x"]
)
def test_only_a_name_and_a_url_are_taken(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not NAME=URL"):
        Target.parse(text)


def test_a_url_may_hold_an_equals_sign():
    assert Target.parse("a=http://x/?y=1") == Target("a", "http://x/?y=1")


def test_once_names_what_is_wrong_in_its_exit_code_and_output(service, capsys):
    assert main(["--once", f"a={service.url}"]) == 0
    assert capsys.readouterr().out == ""
    assert main(["--once", f"a={service.url}", f"b={NOBODY}"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("b does not answer")
    assert "a " not in said.splitlines()[0][:2]


def test_nothing_is_healthy_before_it_was_asked():
    sidecar = Probe(("127.0.0.1", 0), [Target("a", NOBODY)], interval=60)
    sidecar.server_close()
    assert not healthy(sidecar.found)


def test_the_health_of_the_probe_follows_that_of_the_services(service):
    sidecar = Probe(("127.0.0.1", 0), [Target("a", service.url)], interval=0.02)
    url = f"http://127.0.0.1:{sidecar.server_address[1]}"
    with running(sidecar):
        assert told(f"{url}/health") == (503, {"a": "not asked yet"})
        watching = threading.Thread(target=sidecar.watch)
        watching.start()
        wait_until(lambda: told(f"{url}/health") == (200, {"a": HEALTHY}), "a good answer")
        service.status = 500
        bad = (503, {"a": "answers 500: status 500"})
        wait_until(lambda: told(f"{url}/health") == bad, "a bad answer")
        assert told(f"{url}/else")[0] == 404
    watching.join(5)
    assert not watching.is_alive()


def test_as_a_program_it_serves_until_it_is_ended(service, tmp_path):
    (port,) = free_ports(1)
    # As a container runs it: alone, without this project on the path.
    command = (sys.executable, "-I", probe.__file__, f"--listen=127.0.0.1:{port}")
    words = ("--interval=0.05", f"a={service.url}")
    alone = Program("probe", (*command, *words), (f"http://127.0.0.1:{port}/health",))
    with Running(alone, tmp_path / "probe.log", PATIENCE_S) as made:
        assert main(["--once", f"p=http://127.0.0.1:{port}/health"]) == 0
    assert made.process.returncode == 0

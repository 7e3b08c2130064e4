"""`simtraffic run` against receivers that refuse it: one line, exit code 4, no secret told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from simtraffic.export.answers import SERVICES
from tests.export.guarded import Authority, grpc_receiver, http_receiver

if TYPE_CHECKING:
    from pathlib import Path

# Whole processes against locked doors, in real time.
pytestmark = pytest.mark.real

SECRET = "tr0ub4dor-and-3"
# An hour: a run that does not end early is killed by the test's own patience.
SCENARIO = """\
version: 1
name: refused
load:
  stages: [{name: hold, duration: 1h, rate: 20/s}]
traffic:
  - {name: chat, workflow: chat, share: 1, tokens: chat, models: {openai/gpt-4o-mini: 1}}
"""
PATIENCE_S = 60


@contextmanager
def grpc_refusing(code: grpc.StatusCode) -> Iterator[str]:
    def refuse(_body: bytes, context: Any) -> bytes:
        told = dict(context.invocation_metadata())["authorization"]
        context.abort(code, f"who is {told}?")
        return b""

    handlers = [
        grpc.method_handlers_generic_handler(
            service.grpc_service, {"Export": grpc.unary_unary_rpc_method_handler(refuse)}
        )
        for service in SERVICES.values()
    ]
    server = grpc.server(ThreadPoolExecutor(2), handlers=handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@contextmanager
def http_refusing(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            body = f"who is {self.headers['authorization']}?".encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(folder: Path, *arguments: str, token: str = SECRET) -> tuple[int, str, str]:
    """Exit code, everything said, and the result file."""
    scenario = folder / "refused.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = folder / "result.json"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    environ |= {"OTEL_AUTH_TOKEN": token, "SIMTRAFFIC_DEBUG": "1"}
    # A process of its own: the C core of gRPC writes past Python's standard error.
    command = [sys.executable, "-m", "simtraffic", "run", str(scenario), "--result", str(result)]
    done = subprocess.run(
        [*command, *arguments],
        env=environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, result.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("protocol", "refusal"),
    [
        ("grpc", grpc.StatusCode.UNAUTHENTICATED),
        ("grpc", grpc.StatusCode.PERMISSION_DENIED),
        ("http/protobuf", 401),
        ("http/json", 403),
    ],
)
def test_a_refused_credential_ends_the_run_early_and_is_never_repeated(
    protocol: str, refusal: Any, tmp_path: Path
) -> None:
    opened = grpc_refusing(refusal) if protocol == "grpc" else http_refusing(refusal)
    with opened as endpoint:
        code, said, kept = run(tmp_path, "--endpoint", endpoint, "--protocol", protocol, "--quiet")

    word = refusal.name if protocol == "grpc" else f"HTTP {refusal}"
    assert code == 4
    (line,) = said.splitlines()
    assert f"{word}: who is ***?" in line
    assert SECRET not in said
    assert SECRET not in kept
    signals = json.loads(kept)["signals"].values()
    assert all(
        each["generated"] == each["rejected"] + each["dropped"] + each["failed"] for each in signals
    )


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_certificate_that_does_not_verify_ends_the_run_early_in_one_line(
    protocol: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    opened = (
        grpc_receiver(authority.server_credentials(authority.host, mutual=False))
        if protocol == "grpc"
        else http_receiver(authority.server_context(authority.host, mutual=False))
    )
    with opened as port:
        endpoint = f"https://localhost:{port}"
        code, said, _ = run(tmp_path, "--endpoint", endpoint, "--protocol", protocol, "--quiet")

    assert code == 4
    # Neither httpx nor the C core adds lines of its own.
    (line,) = said.splitlines()
    assert "certificate does not verify" in line


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_header_of_the_command_line_is_never_repeated(protocol: str, tmp_path: Path) -> None:
    opened = (
        grpc_refusing(grpc.StatusCode.UNAUTHENTICATED) if protocol == "grpc" else http_refusing(401)
    )
    header = f"authorization=Basic {SECRET}"
    with opened as endpoint:
        code, said, kept = run(
            tmp_path,
            *("--endpoint", endpoint, "--protocol", protocol, "--header", header),
            token="another-secret",
        )

    assert code == 4
    assert "who is ***?" in said
    assert SECRET not in said + kept
    assert "another-secret" not in said + kept

"""The supervisor of the native stack, with small programs in place of the real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from simtraffic.errors import UsageError
from tests.real.programs import wait_until
from tools.stack.addresses import Addresses
from tools.stack.programs import CONFIG, Program, find
from tools.stack.render import render, replaced
from tools.stack.supervise import Stack, StackError, answers, end

if TYPE_CHECKING:
    from pathlib import Path

WEBHOOK = "tools/stack/webhook.py"


def webhook(addresses: Addresses, folder: Path) -> Program:
    """The one program of the stack that needs Python alone."""
    listen = f"127.0.0.1:{addresses.webhook}"
    script = str(CONFIG.parent / WEBHOOK)
    out = str(folder / "notifications.jsonl")
    command = (sys.executable, script, "--listen", listen, "--out", out)
    return Program("webhook", command, f"http://{listen}/health")


def test_addresses_of_containers_are_replaced_as_a_whole_only() -> None:
    text = (
        "a: prometheus:9090\nb: prometheus:90901\nc: my-prometheus:9090\nd: http://prometheus:9090/"
    )
    assert replaced(text, {"prometheus:9090": "127.0.0.1:5"}) == (
        "a: 127.0.0.1:5\nb: prometheus:90901\nc: my-prometheus:9090\nd: http://127.0.0.1:5/"
    )


def test_a_rendered_copy_differs_from_the_files_in_addresses_alone(tmp_path: Path) -> None:
    places = Addresses().of_containers()
    render(CONFIG, tmp_path / "config", places)
    back = {here: there for there, here in places.items()}
    rendered = sorted(path for path in (tmp_path / "config").rglob("*") if path.is_file())
    assert {"prometheus.yml", "demo.yaml", "alertmanager.yml"} <= {p.name for p in rendered}
    for path in rendered:
        source = CONFIG / path.relative_to(tmp_path / "config")
        assert replaced(path.read_text(), back) == source.read_text(), source


def test_a_removed_file_does_not_live_on_in_the_copy(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "prometheus/rules").mkdir(parents=True)
    rule = source / "prometheus/rules/a.yml"
    rule.write_text("groups: []\n")
    render(source, tmp_path / "copy", {})
    assert (tmp_path / "copy/prometheus/rules/a.yml").exists()
    rule.unlink()
    render(source, tmp_path / "copy", {})
    assert not (tmp_path / "copy/prometheus/rules/a.yml").exists()


def test_the_webhook_writes_down_what_comes(tmp_path: Path) -> None:
    addresses = Addresses.free()
    with Stack.of([webhook(addresses, tmp_path)], addresses, tmp_path):
        url = addresses.url("webhook")
        assert httpx.post(f"{url}/page", json={"status": "firing"}).status_code == 200
        assert httpx.post(f"{url}/page", content=b"{").status_code == 400
        assert httpx.get(f"{url}/elsewhere").status_code == 404
        (found,) = httpx.get(f"{url}/notifications").json()
    assert (found["receiver"], found["body"]) == ("page", {"status": "firing"})
    assert json.loads((tmp_path / "notifications.jsonl").read_text()) == found


def test_nothing_is_left_running_after_the_stack(tmp_path: Path) -> None:
    addresses = Addresses.free()
    with Stack.of([webhook(addresses, tmp_path)], addresses, tmp_path) as stack:
        process = stack.process("webhook")
        assert json.loads(stack.state_file.read_text())["programs"] == {"webhook": process.pid}
    assert process.poll() == 0
    assert not stack.state_file.exists()


def test_a_program_that_does_not_start_says_why_and_takes_the_others_with_it(
    tmp_path: Path,
) -> None:
    addresses = Addresses.free()
    failing = (sys.executable, "-c", "import sys; sys.exit('no such storage')")
    broken = Program("broken", failing, addresses.url("prometheus"))
    with (
        pytest.raises(StackError, match=r"broken: ended with 1; no such storage; .*broken\.log"),
        Stack.of([webhook(addresses, tmp_path), broken], addresses, tmp_path),
    ):
        pytest.fail("it must not come up")
    assert not answers(f"{addresses.url('webhook')}/health")


def test_a_program_that_ends_is_started_again_but_not_for_ever(tmp_path: Path) -> None:
    addresses = Addresses.free()
    said: list[str] = []
    health = f"{addresses.url('webhook')}/health"
    with Stack.of([webhook(addresses, tmp_path)], addresses, tmp_path) as stack:
        stack.revive(said.append)
        assert not said
        for _ in range(3):
            _kill(stack)
            stack.revive(said.append)
            wait_until(lambda: answers(health), "the program to be up again")
        _kill(stack)
        with pytest.raises(StackError, match="started again 3 times in a minute, given up"):
            stack.revive(said.append)
    assert len(said) == 3
    assert "webhook: ended with -9" in said[0]


def _kill(stack: Stack) -> None:
    stack.process("webhook").kill()
    stack.process("webhook").wait()


def test_missing_programs_are_all_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIMTRAFFIC_TOOLS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match=r"missing: jaeger, otelcol; .*`make tools` builds them"):
        find(("jaeger", "otelcol"))


def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    addresses = Addresses.free()
    with (
        Stack.of([webhook(addresses, tmp_path)], addresses, tmp_path),
        pytest.raises(StackError, match=rf"ports taken: webhook {addresses.webhook};"),
    ):
        Stack(addresses, tmp_path / "second").start()


def test_a_stack_can_be_ended_from_elsewhere(tmp_path: Path) -> None:
    assert end(tmp_path) is False
    addresses = Addresses.free()
    with Stack.of([webhook(addresses, tmp_path)], addresses, tmp_path) as stack:
        state = json.loads(stack.state_file.read_text())
        # As if its supervisor had been killed: a process that is gone.
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        stack.state_file.write_text(json.dumps({**state, "supervisor": gone.pid}))
        assert os.getpid() == state["supervisor"]
        process = stack.process("webhook")
        waiting = subprocess.Popen(
            [sys.executable, "-m", "tools.stack", "--folder", str(tmp_path), "down"],
            cwd=CONFIG.parent,
            stderr=subprocess.PIPE,
        )
        # Reaped here, as it is our child and would else stay a zombie that still has its number.
        process.wait(30)
        assert waiting.communicate(timeout=30)[1] == b"the stack is down\n"
    assert end(tmp_path) is False

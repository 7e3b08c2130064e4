"""The supervisor of the native stack, with small programs in place of the real ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from simtraffic.backends.programs import ProgramError
from simtraffic.backends.query import Store
from tools.stack.addresses import Addresses
from tools.stack.programs import CONFIG, webhook
from tools.stack.render import render, replaced
from tools.stack.stack import Stack, end

if TYPE_CHECKING:
    from pathlib import Path


def with_webhook(folder: Path) -> Stack:
    """A stack of the one program that needs Python alone."""
    addresses = Addresses.free()
    return Stack(addresses, folder, chosen=[webhook(addresses, folder)])


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
    with with_webhook(tmp_path) as stack, Store(stack.addresses.url("webhook")) as asked:
        url = stack.addresses.url("webhook")
        # Statuses are what is tried, so no client comes between.
        assert httpx.post(f"{url}/page", json={"status": "firing"}).status_code == 200
        assert httpx.post(f"{url}/page", content=b"{").status_code == 400
        assert httpx.get(f"{url}/elsewhere").status_code == 404
        (found,) = asked.get("/notifications")
    assert (found["receiver"], found["body"]) == ("page", {"status": "firing"})
    assert json.loads((tmp_path / "notifications.jsonl").read_text()) == found


def test_nothing_is_left_running_after_the_stack(tmp_path: Path) -> None:
    with with_webhook(tmp_path) as stack:
        process = stack.supervisor["webhook"].process
        assert json.loads(stack.state_file.read_text())["programs"] == {"webhook": process.pid}
    assert process.poll() == 0
    assert not stack.state_file.exists()


def test_a_program_that_is_started_again_is_noted_under_its_new_number(tmp_path: Path) -> None:
    with with_webhook(tmp_path) as stack:
        webhook = stack.supervisor["webhook"]
        webhook.kill()
        stack.supervisor.revive()
        state = json.loads(stack.state_file.read_text())
        assert state["programs"] == {"webhook": webhook.process.pid}
        webhook.await_ready()


def test_a_taken_port_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with (
        with_webhook(tmp_path) as stack,
        pytest.raises(ProgramError, match=rf"ports taken: webhook {stack.addresses.webhook};"),
    ):
        Stack(stack.addresses, tmp_path / "second").start()


def test_a_stack_can_be_ended_from_elsewhere(tmp_path: Path) -> None:
    assert end(tmp_path) is False
    with with_webhook(tmp_path) as stack:
        state = json.loads(stack.state_file.read_text())
        # As if its supervisor had been killed: a process that is gone.
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        stack.state_file.write_text(json.dumps({**state, "supervisor": gone.pid}))
        assert os.getpid() == state["supervisor"]
        process = stack.supervisor["webhook"].process
        waiting = subprocess.Popen(
            [sys.executable, "-m", "tools.stack", "--folder", str(tmp_path), "down"],
            cwd=CONFIG.parent,
            stderr=subprocess.PIPE,
        )
        # Reaped here, as it is our child and would else stay a zombie that still has its number.
        process.wait(30)
        assert waiting.communicate(timeout=30)[1] == b"the stack is down\n"
    assert end(tmp_path) is False

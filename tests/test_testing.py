from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TEST = """
import urllib.request

def test_the_fixture_answers_for_what_arrived(otlp_collector):
    body = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}'
    urllib.request.urlopen(
        urllib.request.Request(
            otlp_collector.http_endpoint + "/v1/logs",
            body,
            {"content-type": "application/json"},
        )
    ).close()

    assert otlp_collector.wait_for("logs", 1)
    assert otlp_collector.counts().log_records == len(otlp_collector.log_records()) == 1
"""


def test_the_fixture_works_in_a_foreign_test_suite(tmp_path: Path) -> None:
    (tmp_path / "test_foreign.py").write_text(TEST)

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            # The plugin by its name, whether or not the package is installed with its entry point.
            "import sys, pytest\n"
            "from importlib.metadata import entry_points\n"
            "known = any(e.value == 'simtraffic.testing' for e in entry_points(group='pytest11'))\n"
            "plugins = [] if known else ['simtraffic.testing']\n"
            "sys.exit(pytest.main(sys.argv[1:], plugins=plugins))\n",
            "-q",
            "-W",
            "error",
            str(tmp_path),
        ],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_loading_the_plugin_loads_nothing_heavy() -> None:
    script = (
        "import sys, simtraffic.testing\n"
        "heavy = {'grpc', 'google', 'numpy', 'httpx', 'pydantic', 'opentelemetry'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout == "[]\n"

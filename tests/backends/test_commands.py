"""Command lines say where a program listens and keeps its data, on loopback alone."""

from __future__ import annotations

from pathlib import Path

from simtraffic.backends import commands

CONFIG, DATA = Path("config.yml"), Path("data")


def test_each_listens_on_loopback_and_is_asked_there() -> None:
    made = [
        commands.prometheus("p", 1, config=CONFIG, data=DATA, options=commands.TAKES_OTLP),
        commands.alertmanager("a", 1, config=CONFIG, data=DATA),
        commands.victoria_logs("v", 1, data=DATA),
    ]

    assert [each.name for each in made] == ["prometheus", "alertmanager", "victoria-logs"]
    for program in made:
        words = " ".join(program.command)
        assert "127.0.0.1:1" in words
        assert "data" in words
        assert program.addresses == {"http": "http://127.0.0.1:1"}
        assert program.ready[0].startswith("http://127.0.0.1:1/")


def test_a_second_prometheus_has_a_name_and_options_of_its_own() -> None:
    older = commands.prometheus(
        "p", 1, config=CONFIG, data=DATA, options=("--log.level=warn",), name="older"
    )

    assert older.name == "older"
    assert older.command[-1] == "--log.level=warn"


def test_a_collector_listens_where_its_configuration_says() -> None:
    jaeger = commands.of_collector(
        "j", CONFIG, ["http://h/status"], environment={"A": "b"}, name="jaeger"
    )

    assert jaeger.command == ("j", "--config", "config.yml")
    assert (jaeger.ready, jaeger.environment, jaeger.addresses) == (
        ("http://h/status",),
        {"A": "b"},
        {},
    )

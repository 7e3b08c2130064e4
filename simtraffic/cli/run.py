"""`simtraffic run`: simulate scenarios and push what they would have told."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from simtraffic.cli import completion, environment, options, page, receiver, usage
from simtraffic.cli.consent import Consent
from simtraffic.cli.wishes import Wishes
from simtraffic.errors import ExitCode

if TYPE_CHECKING:
    from simtraffic.cli.watcher import PeopleWatcher
    from simtraffic.result.watcher import Watcher
    from simtraffic.runner import RunOptions
    from simtraffic.scenario import Scenario

_TO = "Where it goes"
_HOW = "How it runs"
_REPORT = "What it reports"


def run(  # noqa: PLR0913, PLR0917 - one parameter an option
    scenario: Annotated[
        list[str],
        typer.Argument(
            help="Scenario files, names of shipped scenarios, or - for standard input; several are"
            " run one after another.",
            metavar="SCENARIO",
            autocompletion=completion.scenarios,
        ),
    ],
    endpoint: receiver.Endpoint = None,
    protocol: receiver.Protocol = None,
    header: receiver.Header = None,
    insecure: receiver.Insecure = False,
    certificate: receiver.Certificate = None,
    client_certificate: receiver.ClientCertificate = None,
    client_key: receiver.ClientKey = None,
    compression: receiver.Compression = None,
    timeout: receiver.Timeout = None,
    wait_for_endpoint: receiver.WaitForEndpoint = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Write lines of OTLP JSON to this file, alone or beside an endpoint; - is standard"
            " output, and a name that ends in .gz or .zst is compressed.",
            metavar="FILE",
            rich_help_panel=_TO,
        ),
    ] = None,
    rotate: options.Rotate = None,
    speed: Annotated[
        str | None,
        typer.Option(
            help="How fast simulated time goes: real, max, or a factor such as 60. By default real,"
            " and max for a file alone.",
            metavar="SPEED",
            autocompletion=completion.speeds,
            rich_help_panel=_HOW,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            help="When the run begins in its telemetry: now, or an instant such as"
            " 2026-01-01T00:00:00Z. By default now.",
            metavar="TIME",
            rich_help_panel=_HOW,
        ),
    ] = None,
    drain: Annotated[
        str,
        typer.Option(
            help="How long after the last stage requests may still end and telemetry may leave.",
            metavar="TIME",
            rich_help_panel=_HOW,
        ),
    ] = "30s",
    queue_bytes: Annotated[
        str,
        typer.Option(
            help="How much telemetry may wait to be sent; the rest is dropped and counted.",
            metavar="SIZE",
            rich_help_panel=_HOW,
        ),
    ] = "64MB",
    seed: options.Seed = None,
    scale: options.Scale = None,
    duration: options.Duration = None,
    signals: options.Signals = None,
    convention: options.Conventions = None,
    temporality: options.Temporality = None,
    max_bytes: options.MaxBytes = None,
    max_spans: options.MaxSpans = None,
    yes: options.Yes = False,
    shard: options.Shard = "1/1",
    workers: options.Workers = 1,
    result: Annotated[
        str | None,
        typer.Option(
            help="Write the result to this file as JSON; {name} in it is the scenario's name.",
            metavar="FILE",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            "-q",
            help="Say nothing unless the run does not pass.",
            rich_help_panel=_REPORT,
        ),
    ] = False,
    self_telemetry: options.SelfTelemetry = None,
    prometheus_port: Annotated[
        str | None,
        typer.Option(
            help="Serve figures of the run itself on this port, as /metrics, /healthz and /readyz;"
            " 0 takes a free one.",
            metavar="N",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    prometheus_host: Annotated[
        str | None,
        typer.Option(
            help="Address of --prometheus-port, such as 0.0.0.0 in a pod. By default 127.0.0.1.",
            metavar="HOST",
            rich_help_panel=_REPORT,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print the result as a line of JSON on standard output.",
            rich_help_panel=_REPORT,
        ),
    ] = False,
) -> None:
    """Simulate scenarios and push their telemetry, then judge how it went.

    With no endpoint given, what listens on the standard port is used, or the
    built-in collector is started. OTEL_EXPORTER_OTLP_* variables work as usual.
    People read standard error; standard output is for --json and --out -.

    Examples:
      simtraffic run scenario.yaml
      simtraffic run scenario.yaml --endpoint https://otel:4317 --header team=llm
      simtraffic run scenario.yaml --protocol http/protobuf --scale 0.1
      simtraffic run scenario.yaml --out - --duration 1h | gzip > hour.gz
      simtraffic run scenario.yaml --workers 4 --speed max
      simtraffic run a.yaml b.yaml --quiet --result "results/{name}.json"

    Ctrl-C stops the arrivals, drains and reports; a second one leaves at once.
    """
    from simtraffic.export.environment import ExportOptions, silence_grpc  # noqa: PLC0415
    from simtraffic.export.settings import COMPRESSIONS, PROTOCOLS  # noqa: PLC0415
    from simtraffic.runner import RunOptions  # noqa: PLC0415
    from simtraffic.units import parse_count, parse_duration, parse_size  # noqa: PLC0415

    environment.require_enabled(os.environ)
    wishes = Wishes(out=out, result=result, quiet=quiet, json=json)
    wishes.check(len(scenario))
    timeout_ns = options.quantity("--timeout", timeout, parse_duration)
    asked = RunOptions(
        receiver=ExportOptions(
            endpoint=endpoint,
            protocol=usage.one_of("--protocol", protocol, PROTOCOLS),
            headers=tuple(header or ()),
            insecure=insecure or None,
            certificate=certificate,
            client_certificate=client_certificate,
            client_key=client_key,
            compression=usage.one_of("--compression", compression, COMPRESSIONS),
            timeout_s=None if timeout_ns is None else timeout_ns / 1e9,
        ),
        environ=os.environ,
        speed=speed,
        start=start,
        duration_ns=options.quantity("--duration", duration, parse_duration),
        drain_ns=options.quantity("--drain", drain, parse_duration) or 0,
        queue_bytes=options.quantity("--queue-bytes", queue_bytes, parse_size),
        rotate_bytes=options.quantity("--rotate", rotate, parse_size),
        max_bytes=options.quantity("--max-bytes", max_bytes, parse_size),
        max_spans=options.quantity("--max-spans", max_spans, parse_count),
        wait_ns=options.quantity("--wait-for-endpoint", wait_for_endpoint, parse_duration),
        shard=shard,
        workers=workers,
    )
    changes = options.Changes(seed, scale, signals, convention, temporality)
    loaded = options.scenarios(scenario, changes)
    wishes.check_paths(loaded, scenario)
    silence_grpc(os.environ)
    consent = Consent(yes, quiet)
    with page.watchers(
        prometheus_port, prometheus_host, self_telemetry, os.environ, wishes.warn
    ) as others:
        code = _run_all(loaded, asked, wishes, consent, others)
    raise typer.Exit(code)


def _run_all(
    scenarios: list[Scenario],
    asked: RunOptions,
    wishes: Wishes,
    consent: Consent,
    others: list[Watcher],
) -> ExitCode:
    """Run one after another; an interrupt ends them all."""
    from simtraffic.cli.watcher import PeopleWatcher  # noqa: PLC0415
    from simtraffic.result.verdict import worst  # noqa: PLC0415

    codes = []
    said: set[str] = set()
    for number, scenario in enumerate(scenarios, start=1):
        people = PeopleWatcher(scenario, asked, consent, said, quiet=wishes.quiet)
        code, signalled = _run_one(scenario, asked, wishes, people, others)
        codes.append(code)
        if signalled:
            # What was still to come is interrupted, even if this run was already through.
            codes += [ExitCode.INTERRUPTED] * (number < len(scenarios))
            break
    return worst(codes)


def _run_one(
    scenario: Scenario,
    asked: RunOptions,
    wishes: Wishes,
    people: PeopleWatcher,
    others: list[Watcher],
) -> tuple[int, bool]:
    """Run and report; the exit code, and whether a signal came."""
    from simtraffic.cli.signals import Interruption  # noqa: PLC0415
    from simtraffic.result.verdict import worst  # noqa: PLC0415
    from simtraffic.runner import run as run_scenario  # noqa: PLC0415

    # Reporting is inside as well: an impatient second signal must not cost the ledger.
    with people, Interruption(people.request, people.farewell) as interruption:
        result = run_scenario(
            scenario,
            replace(asked, out=wishes.path_of_out(scenario)),
            watchers=[people, *others],
            stop=people.stop,
        )
        people.close()
        lost = wishes.report(result, scenario)
    return worst([result.exit_code, *lost]), interruption.signals > 0

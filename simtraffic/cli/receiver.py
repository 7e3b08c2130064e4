"""Options that say where telemetry is sent, and how; the environment may say the same."""

from __future__ import annotations

from typing import Annotated

import typer

from simtraffic.cli import completion

_TO = "Where it goes"

Endpoint = Annotated[
    str | None,
    typer.Option(
        help="Base URL of an OTLP receiver, such as http://localhost:4317.",
        metavar="URL",
        rich_help_panel=_TO,
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        help="How to speak to it: grpc, http/protobuf or http/json. By default grpc.",
        metavar="NAME",
        autocompletion=completion.words("grpc", "http/protobuf", "http/json"),
        rich_help_panel=_TO,
    ),
]
Header = Annotated[
    list[str] | None,
    typer.Option(
        help="Send this header with every export; repeatable.",
        metavar="NAME=VALUE",
        rich_help_panel=_TO,
    ),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Use no TLS for an endpoint that begins with neither http:// nor https://.",
        rich_help_panel=_TO,
    ),
]
Certificate = Annotated[
    str | None,
    typer.Option(
        help="Trust the authorities in this PEM file.", metavar="FILE", rich_help_panel=_TO
    ),
]
ClientCertificate = Annotated[
    str | None,
    typer.Option(
        help="Show this certificate, a PEM file, to the receiver.",
        metavar="FILE",
        rich_help_panel=_TO,
    ),
]
ClientKey = Annotated[
    str | None,
    typer.Option(
        help="Private key of --client-certificate, a PEM file.",
        metavar="FILE",
        rich_help_panel=_TO,
    ),
]
Compression = Annotated[
    str | None,
    typer.Option(
        help="How to compress what is sent: none or gzip. By default none.",
        metavar="NAME",
        autocompletion=completion.words("none", "gzip"),
        rich_help_panel=_TO,
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        help="How long one export call may take. By default 10s.",
        metavar="TIME",
        rich_help_panel=_TO,
    ),
]
WaitForEndpoint = Annotated[
    str | None,
    typer.Option(
        help="Wait so long for the receiver to listen, such as 30s. By default not at all.",
        metavar="TIME",
        rich_help_panel=_TO,
    ),
]

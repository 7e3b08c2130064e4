"""The `simtraffic` command: a table of commands, each imported when it is used, and one handler.

Nothing heavy is imported here, so that help and shell completion are quick.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from simtraffic._version import __version__
from simtraffic.cli import console, streams, usage
from simtraffic.cli.help_pages import PlainCommand, PlainGroup, for_stream
from simtraffic.errors import ExitCode, FaultsError, SimtrafficError, UsageError

_HELP = """Generate the telemetry of LLM services, without any LLM.

A scenario file says how much traffic, to which models, and what goes wrong
when. The command run simulates the requests and pushes the traces, metrics and
logs that they would have left behind to an OTLP collector or into a file.

A first scenario, a look at it, and off it goes. With no collector here, run
starts one of its own:

  simtraffic init
  simtraffic plan scenario.yaml
  simtraffic run scenario.yaml

To a collector elsewhere, or into a file as fast as it goes:

  simtraffic run scenario.yaml --endpoint http://otel-collector:4317
  simtraffic run scenario.yaml --out telemetry.jsonl

Exit codes: 0 passed, 1 a bug, 2 wrong usage, 3 invalid scenario, 4 telemetry
not fully delivered, 5 a threshold failed, 130 interrupted.
"""


_COMMANDS = {
    "run": "Simulate a scenario and push its telemetry.",
    "plan": "Show what run would do, without doing it.",
    "check": "Validate scenario files; all faults at once.",
    "init": "Write a starter scenario with comments.",
    "schema": "Print the JSON Schema of the scenario file.",
    "show": "List models, profiles, conventions, scenarios or metrics.",
    "collect": "Run the built-in OTLP collector on its own.",
}
"""The line that the list shows of each; a command is the function of its module's name."""


class _LazyCommand(PlainCommand):
    """Stands for a command in the list; the real one is imported once it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """The context of the real command, which then is the one invoked."""
        module = import_module(f"simtraffic.cli.{self.name}")
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        made = single.command(self.name, cls=PlainCommand, no_args_is_help=False)
        made(getattr(module, str(self.name)))
        command = typer.main.get_command(single)
        if not extra.get("resilient_parsing"):
            usage.refuse_empty(command, args)
        return command.make_context(info_name, args, parent, **extra)


class _Commands(PlainGroup):
    """The group of commands, and the only handler of errors."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in _COMMANDS.items():
            self.add_command(_LazyCommand(name, help=summary, short_help=summary), name)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; wrong usage is told as every other error is."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except Exception as error:  # noqa: BLE001 - their base differs between versions of typer
            code = _refused(error)
        if not standalone_mode:
            return code
        sys.exit(code if isinstance(code, int) else ExitCode.OK)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of this name.

        Raises:
            UsageError: there is none.
        """
        if args and args[0] not in self.commands and not ctx.resilient_parsing:
            raise UsageError(usage.no_command(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; every error becomes lines for people and an exit code."""
        try:
            return super().invoke(ctx)
        except SimtrafficError as error:
            _tell_error(error)
            raise typer.Exit(int(error.exit_code)) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(int(ExitCode.INTERRUPTED)) from error
        except Exception as error:
            if not _is_bug(error):
                raise
            _tell_bug(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(int(ExitCode.UNEXPECTED)) from error


def _refused(error: Exception) -> int:
    """Tell of an error that typer knows; its exit code. Others are raised again."""
    if isinstance(error, typer.Abort):
        return ExitCode.INTERRUPTED
    if not hasattr(error, "format_message"):
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":
        console.tell(for_stream(error.format_message(), console.people()))
    else:
        console.tell(f"simtraffic: {usage.in_words(error)}")
    return ExitCode.USAGE


def _is_bug(error: Exception) -> bool:
    """Whether typer does not know it: its own kinds end commands and report wrong usage."""
    known = (typer.Exit, typer.Abort)
    return not isinstance(error, known) and not hasattr(error, "format_message")


def _tell_error(error: SimtrafficError) -> None:
    if isinstance(error, FaultsError):
        from simtraffic.cli.faults import tell_faults  # noqa: PLC0415

        tell_faults(error.faults)
        return
    for line in str(error).splitlines():
        console.tell(f"simtraffic: {line.removeprefix('simtraffic: ')}")


def _tell_bug(error: Exception, *, debug: bool) -> None:
    if debug or os.environ.get("SIMTRAFFIC_DEBUG"):
        console.tell("".join(traceback.format_exception(error)).rstrip())
    said = " ".join(str(error).split())
    console.tell(
        f"simtraffic: unexpected {type(error).__name__}: {said}; this is a bug;"
        " SIMTRAFFIC_DEBUG=1 shows the traceback"
    )


app = typer.Typer(
    name="simtraffic",
    cls=_Commands,
    help=_HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _tell_version(value: bool) -> None:
    if value:
        console.line(f"simtraffic {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback when something ends in a bug.")
    ] = False,
) -> None:
    """Options before the command's name."""


def main() -> None:
    """Entry point of the `simtraffic` script."""
    streams.prepare()
    try:
        try:
            app(prog_name="simtraffic")
        finally:
            sys.stdout.flush()
    except SimtrafficError as error:
        # Help and the version are printed where no command is there to catch their loss.
        _tell_error(error)
        sys.exit(int(error.exit_code))
    finally:
        streams.settle_stderr()

"""Wrong usage in the words of all other errors: *where: what is wrong; what was found; what to do*.

Errors of the command line's library are told apart by the names of their kinds: the module they
live in differs from one version of it to another.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from simtraffic.cli.help_pages import choices_of, name_of, usage_of
from simtraffic.documents.names import hint_for, nearest, nearest_name
from simtraffic.errors import UsageError

# What people try, and what they mean.
_MEANT = {
    "help": "simtraffic --help",
    "version": "simtraffic --version",
    "-v": "simtraffic --version",
    "-V": "simtraffic --version",
    "-?": "--help",
    "validate": "simtraffic check",
    "lint": "simtraffic check",
    "list": "simtraffic show",
    "ls": "simtraffic show",
    "start": "simtraffic run",
    "new": "simtraffic init",
    "generate": "simtraffic run",
    "--dry-run": "simtraffic plan",
    "doctor": "simtraffic check? run looks at the receiver by itself",
}
_QUOTED = re.compile(r"'([^']*)'")
_LONGEST = 60
# What a value is not, and how to write it, by the name of the type that is wanted.
_TYPES = {
    "int": ("not a whole number", "write it like 7"),
    "float": ("not a number", "write it like 0.5"),
}


def no_command(word: str, known: Collection[str]) -> str:
    """A command that there is not."""
    hint = _meant(word) or hint_for(word, known)
    return f"{_shown(word)}: no such command; {hint}"


def in_words(error: Any) -> str:
    """An error of the command line's library as one line."""
    for kind in type(error).__mro__:
        worded = _WORDED.get(kind.__name__)
        if worded is not None:
            return worded(error)
    return _sentence(str(error.format_message()))


def refuse_empty(command: Any, words: list[str]) -> None:
    """Refuse a value that is given and empty: a variable of a script that was never set.

    Raises:
        UsageError: there is one; taken as left out, the run would go elsewhere without a word.
    """
    valued = {
        name
        for parameter in command.params
        if not getattr(parameter, "is_flag", False)
        for name in parameter.opts
    }
    for before, word in zip(["", *words], words, strict=False):
        name, equals, value = word.partition("=")
        is_value = equals and name.startswith("--")
        if (value if is_value else word).strip():
            continue
        named = name if is_value else before if before in valued else "an argument"
        raise UsageError(f"{named}: the value is empty; found ''; write one, or leave it out")


def one_of(option: str, value: str | None, known: Collection[str]) -> str | None:
    """The value of an option that knows a few words; nothing given, or nothing in it, passes.

    Raises:
        UsageError: it is none of them.
    """
    if not value or value in known:
        return value
    raise UsageError(f"{option}: {_no_choice(value, known)}")


def _no_choice(value: str, known: Collection[str]) -> str:
    near = nearest(value, known) or f"write one of {', '.join(known)}"
    return f"unknown; found {_shown(value)!r}; {near}"


def _no_option(error: Any) -> str:
    option, ctx = str(error.option_name), error.ctx
    known = _options(ctx)
    hint = _meant(option) or (nearest(option, known) if option.startswith("--") else "")
    if not hint and ctx is not None and ctx.parent is None:
        hint = "options of a command come after its name"
    path = "simtraffic" if ctx is None else ctx.command_path
    return f"{_shown(option)}: no such option; {hint or f'{path} --help lists them'}"


def _options(ctx: Any) -> list[str]:
    if ctx is None:
        return []
    parameters = ctx.command.get_params(ctx)
    return [name for each in parameters for name in each.opts if name.startswith("-")]


def _bad_option(error: Any) -> str:
    option = error.option_name
    if "not take a value" in error.message:
        return f"{option}: takes no value; write {option} alone"
    return f"{option}: a value is missing; write {option} VALUE, as --help explains"


def _missing(error: Any) -> str:
    if error.param is None or error.ctx is None:
        return _sentence(str(error.format_message()))
    known = choices_of(error.param)
    hint = f"one of {', '.join(known)}; " if known else ""
    return f"{name_of(error.param)}: missing; {hint}write {_written(error)}"


def _bad_value(error: Any) -> str:
    """A value that is not of its type; the library's own words name types of Python."""
    if error.param is None:
        return _sentence(str(error.format_message()))
    name, found = name_of(error.param), _found(error)
    known = choices_of(error.param)
    if known:
        return f"{name}: {_no_choice(found, known)}"
    wrong, hint = _TYPES.get(_type_of(error.param), ("", ""))
    if wrong:
        return f"{name}: {wrong}; found {_shown(found)!r}; {hint}"
    return f"{name}: {_sentence(error.message)}"


def _found(error: Any) -> str:
    """What was given: it stands in the error's cause, or in quotes in its message."""
    cause = error.__cause__
    if hasattr(cause, "errors"):
        return str(cause.errors()[0].get("input", ""))
    quoted = _QUOTED.search(error.message)
    return quoted[1] if quoted else ""


def _type_of(parameter: Any) -> str:
    """``int`` or ``float``, whichever version of the library says so."""
    wanted = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    named = getattr(wanted, "__name__", None) or str(wanted or "")
    named += f" {getattr(getattr(parameter, 'type', None), 'name', '')}"
    return next((kind for kind in _TYPES if kind in named), "")


def _usage(error: Any) -> str:
    if "unexpected extra argument" in error.message and error.ctx is not None:
        extra = error.message.rpartition("(")[2].rstrip(".)")
        return f"{_shown(extra)}: too many arguments; write {_written(error)}"
    if error.message.startswith("Missing command"):
        known = ", ".join(error.ctx.command.list_commands(error.ctx))
        return f"a command is missing; write one of {known}"
    return _sentence(str(error.format_message()))


def _written(error: Any) -> str:
    """How the command is written, without what may be left out."""
    return (
        usage_of(error.ctx.command, error.ctx).replace("[OPTIONS] ", "").replace(" [OPTIONS]", "")
    )


def _meant(word: str) -> str:
    """What is meant by a word that other tools know."""
    meant = _MEANT.get(word.lower() if word.startswith("--") else word)
    if meant is None and not word.startswith("-"):
        near = nearest_name(word, ("help", "version"))
        meant = _MEANT.get(near or "")
    return f"did you mean {meant}{'' if '?' in (meant or '') else '?'}" if meant else ""


def _sentence(message: str) -> str:
    """A message of the library on one line, in our manner."""
    return " ".join(message.split()).rstrip(".").replace("Error: ", "")


def _shown(text: str) -> str:
    """What was typed, on one line and not too long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text)
    return plain if len(plain) <= _LONGEST else f"{plain[:_LONGEST]}…"


_WORDED: dict[str, Callable[[Any], str]] = {
    "NoSuchOption": _no_option,
    "BadOptionUsage": _bad_option,
    "MissingParameter": _missing,
    "BadParameter": _bad_value,
    "UsageError": _usage,
}

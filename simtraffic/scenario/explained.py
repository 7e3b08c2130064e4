"""What the sections and keys of a scenario say of themselves, by their path.

All of it is derived from the nouns: which of them stands at which path, what each key is explained
by (:class:`~simtraffic.scenario.part.Explained`), what stands in for it while it cannot be read.
Only wrong files, the schema and the reference ask, so that nothing is worked out for a good file.

A pattern is a path with ``*`` for indices and for names that the user chose; a place is the same as
people read it: ``traffic[].models.*.weight``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import WithJsonSchema

from simtraffic.documents.document import read_document
from simtraffic.documents.tree import Path, Scalar
from simtraffic.scenario.model import Scenario
from simtraffic.scenario.part import Explained, Part

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Pattern = tuple[str, ...]

EXTENDS = Explained("steady.yaml", "another scenario that this one changes")
"""Of the one key that no noun has, as it is gone once the files are one document."""


@cache
def nouns() -> Mapping[Pattern, type[Part]]:
    """Which noun stands at which path, those around others first."""
    found: dict[Pattern, type[Part]] = {}
    waiting: list[tuple[Pattern, type[Part]]] = [((), Scenario)]
    for path, noun in waiting:
        found[path] = noun
        for key, field in fields(noun).items():
            below = _nouns_of(field.annotation, field.metadata)
            waiting += [((*path, key, *steps), part) for steps, part in below]
    return found


def fields(noun: type[Part]) -> Mapping[str, FieldInfo]:
    """The fields of a noun by the keys of the file."""
    return {field.alias or name: field for name, field in noun.model_fields.items()}


def explained_by(field: FieldInfo) -> Explained:
    """What a field says of itself."""
    return next(said for said in field.metadata if isinstance(said, Explained))


@cache
def explanations() -> Mapping[str, Explained]:
    """What every key says of itself, by its place."""
    return {
        "extends": EXTENDS,
        **{
            place_of((*path, key)): explained_by(field)
            for path, noun in nouns().items()
            for key, field in fields(noun).items()
        },
    }


@cache
def example_of(place: str) -> str:
    """An example of a key, in YAML; of a key without one, what its section's example has there."""
    said = explanations()[place].example
    if said:
        return said
    above, _, key = place.rpartition(".")
    tree = read_document(f"example: {example_of(above)}", "").tree
    shown = tree.at(("example", key)) if tree is not None else None
    assert isinstance(shown, Scalar), f"{place}: the example of {above} does not show it"
    return shown.text


def known_keys(path: Path) -> list[str]:
    """The keys that the noun at this path accepts."""
    noun = nouns().get(pattern(path))
    if noun is None:
        return []
    return [*(["extends"] if noun is Scenario else []), *fields(noun)]


def stand_in(path: Path) -> Any:
    """Harmless data for what cannot be read at this path; None for what can be left out."""
    where = pattern(path)
    if not where:
        return None
    if where[-1] == "*":
        field = _field_at(where[:-1])
        return None if field is None else _item_of(field)
    field = _field_at(where)
    return None if field is None or not field.is_required() else _value_of(field, place_of(path))


def pattern(path: Path) -> Pattern:
    """The path with ``*`` in place of indices and of names that the user chose."""
    steps: list[str] = []
    for step in path:
        chosen = isinstance(step, int) or (bool(steps) and steps[-1] in _named_below())
        steps.append("*" if chosen else str(step))
    return tuple(steps)


def place_of(path: Path) -> str:
    """The path as people read it."""
    place = ""
    for step in pattern(path):
        under_names = place.rpartition(".")[2] in _named_below()
        place += "[]" if step == "*" and not under_names else f".{step}"
    return place.lstrip(".")


@cache
def _named_below() -> frozenset[str]:
    """Keys whose values are mappings of the user's own names."""
    return frozenset(
        key
        for noun in nouns().values()
        for key, field in fields(noun).items()
        if get_origin(field.annotation) is dict
    )


def _field_at(where: Pattern) -> FieldInfo | None:
    noun = nouns().get(where[:-1])
    return None if noun is None else fields(noun).get(where[-1])


def _nouns_of(annotation: Any, said: Sequence[object]) -> Iterator[tuple[Pattern, type[Part]]]:
    """The nouns that a field holds, and the steps from it to each."""
    # What has a schema of its own is not written as a mapping, such as `gamma(cv=2.5)`.
    if any(isinstance(one, WithJsonSchema) for one in said):
        return
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _nouns_of(inner[0], inner[1:])
    elif origin in {Union, UnionType}:
        for choice in inner:
            yield from _nouns_of(choice, ())
    elif origin in {tuple, dict}:
        values = inner[0] if origin is tuple else inner[1]
        yield from ((("*", *steps), noun) for steps, noun in _nouns_of(values, ()))
    elif isinstance(annotation, type) and issubclass(annotation, Part):
        yield (), annotation


def _value_of(field: FieldInfo, place: str) -> Any:
    said = explained_by(field)
    if said.stand_in is not None:
        return said.stand_in
    for steps, noun in _nouns_of(field.annotation, field.metadata):
        return _least(noun, place) if not steps else (_least(noun, f"{place}[]"),)
    return read_document(f"example: {example_of(place)}", "").data["example"]


def _item_of(field: FieldInfo) -> Any:
    said = explained_by(field).stand_in or field.default
    if isinstance(said, dict):
        return next(iter(said.values()))
    if isinstance(said, tuple) and said:
        return said[0]
    # Of a mapping of names, whatever cannot be read is left out.
    is_list = get_origin(field.annotation) is tuple
    found = _nouns_of(field.annotation, field.metadata) if is_list else ()
    return next((_least(noun, place_of(_path_of(noun))) for _, noun in found), None)


def _path_of(noun: type[Part]) -> Path:
    return next(path for path, one in nouns().items() if one is noun)


def _least(noun: type[Part], place: str) -> dict[str, Any]:
    """The noun with what it must have, and that harmless."""
    return {
        key: _value_of(field, f"{place}.{key}")
        for key, field in fields(noun).items()
        if field.is_required()
    }

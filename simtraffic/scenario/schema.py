"""JSON Schema of the scenario file, for editors: it completes, explains and checks the form.

Made from the nouns. What the nouns cannot say is added: names of the catalogue, ``extends``, and
that ``${NAME}`` may stand for any value. What spans the file is left to ``simtraffic check``.
"""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simtraffic.documents.document import read_document
from simtraffic.scenario.explained import (
    EXTENDS,
    example_of,
    explanations,
    nouns,
    place_of,
)
from simtraffic.scenario.known import Known, shipped
from simtraffic.scenario.model import Scenario
from simtraffic.scenario.quantities import ERROR_KINDS

if TYPE_CHECKING:
    from simtraffic.scenario.part import Part

_REFERENCE = {"$ref": "#/$defs/Reference"}
_SCALARS = ("string", "number", "integer", "boolean")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(known: Known | None = None) -> dict[str, Any]:
    """The schema, draft 2020-12; ``known`` are the names to offer, those that ship by default."""
    names = known or shipped()
    schema = Scenario.model_json_schema(by_alias=True)
    parts: dict[str, Any] = schema.pop("$defs")
    for noun in dict.fromkeys(nouns().values()):
        _explain(schema if noun is Scenario else parts[noun.__name__], noun)
    _offer(parts, names)
    for part in (schema, *parts.values()):
        if "errors" in part["properties"]:
            part["properties"]["errors"]["propertyNames"] = {"enum": list(ERROR_KINDS)}
    _allow_partial(schema, parts)
    _illustrate(schema, parts)
    _tidy(schema)
    for part in parts.values():
        _tidy(part)
    parts["Reference"] = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        "description": "filled in from the environment",
    }
    head = {"$schema": _DIALECT, "title": "simtraffic scenario"}
    return {**head, **schema, "$defs": dict(sorted(parts.items()))}


def _offer(parts: dict[str, Any], known: Known) -> None:
    """Names that live outside the nouns, so that editors complete them."""
    flow = parts["Flow"]["properties"]
    models = sorted(known.models)
    flow["models"]["propertyNames"] = {"enum": models}
    flow["tokens"] = {
        "description": flow["tokens"].get("description", ""),
        "anyOf": [{"enum": sorted(known.profiles)}, {"$ref": "#/$defs/TokenSpec"}],
    }
    providers = sorted(known.providers)
    fallback = parts["Retries"]["properties"]["fallback"]
    fallback["propertyNames"] = {"enum": providers}
    fallback["additionalProperties"] = {"enum": [*providers, *models]}
    conventions = parts["Telemetry"]["properties"]["conventions"]
    conventions["items"] = {
        "anyOf": [
            {"enum": list(known.conventions)},
            {"type": "string", "pattern": r"/|\.ya?ml$", "description": "a file of your own"},
        ]
    }


def _allow_partial(schema: dict[str, Any], parts: dict[str, Any]) -> None:
    """A file that extends another may leave out what the other one has."""
    schema["properties"] = {
        "extends": {"type": "string", "description": EXTENDS.meaning},
        **schema["properties"],
    }
    required = schema.pop("required")
    stages = {"properties": {"load": {"required": parts["Load"].pop("required")}}}
    schema["if"] = {"required": ["extends"]}
    schema["else"] = {"required": required, **stages}


def _tidy(node: Any) -> None:
    """Titles and inner defaults out, references in, recursively and in place."""
    if isinstance(node, list):
        for item in node:
            _tidy(item)
    if not isinstance(node, dict):
        return
    for field in node.get("properties", {}).values():
        field.pop("title", None)
        if not _is_written_so(field):
            field.pop("default", None)
    node.pop("title", None)
    for below in node.get("properties", {}).values():
        _tidy_value(below)
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            _tidy_value(node[key])


def _tidy_value(value: dict[str, Any]) -> None:
    """Let a reference stand for this value if it is a scalar; go on below if it is not."""
    _tidy(value)
    choices = value.get("anyOf") or value.get("oneOf")
    if choices is not None:
        value.pop("oneOf", None)
        value.pop("discriminator", None)
        kept = [choice for choice in choices if choice.get("type") != "null"]
        is_noun = all("$ref" in choice for choice in kept)
        value["anyOf"] = kept if is_noun else [*kept, dict(_REFERENCE)]
        return
    if "enum" in value or "const" in value or value.get("type") in _SCALARS:
        kinds = ("enum", "const", "type", "pattern", "minimum", "maximum", "exclusiveMinimum")
        own = {key: value.pop(key) for key in kinds if key in value}
        value["anyOf"] = [own, dict(_REFERENCE)]


def _is_written_so(field: dict[str, Any]) -> bool:
    """Whether the default of a field reads in YAML as it does here."""
    default = field.get("default")
    if isinstance(default, bool):
        return field.get("type") == "boolean"
    if isinstance(default, int):
        return field.get("type") == "integer"
    return isinstance(default, str) and (field.get("type") == "string" or "const" in field)


def _illustrate(schema: dict[str, Any], parts: dict[str, Any]) -> None:
    """An example of each key, and what it means where the noun itself does not say."""
    for path, noun in nouns().items():
        part = schema if noun is Scenario else parts[noun.__name__]
        for key, field in part["properties"].items():
            place = place_of((*path, key))
            field["examples"] = [_read(example_of(place))]
            meant = explanations()[place].meaning.replace("`", "")
            field["description"] = field.get("description") or meant[:1].upper() + meant[1:]


def _read(example: str) -> Any:
    """An example, written in YAML, as the schema holds it."""
    document = read_document(f"example: {example}", "", {})
    assert not document.faults, document.faults
    return json.loads(json.dumps(document.data))["example"]


def _explain(part: dict[str, Any], noun: type[Part]) -> None:
    """Put the docstrings of a noun's fields beside them."""
    keys = {name: field.alias or name for name, field in noun.model_fields.items()}
    for name, said in _docstrings(noun).items():
        part["properties"][keys[name]]["description"] = said


def _docstrings(noun: type[Part]) -> dict[str, str]:
    """What stands below the fields of a noun, by field, from the source."""
    found: dict[str, str] = {}
    (body,) = ast.parse(inspect.getsource(noun)).body
    assert isinstance(body, ast.ClassDef)
    for line, below in pairwise(body.body):
        if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            said = str(below.value.value)
            found[line.target.id] = " ".join(said.replace("``", "").split())
    return found

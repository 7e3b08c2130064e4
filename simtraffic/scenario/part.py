"""What every section of a scenario is made of, and what each of its keys says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A frozen piece of a scenario that accepts only the keys it knows."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=False
    )


@dataclass(frozen=True, slots=True)
class Explained:
    """What a key says of itself, in the ``Annotated`` of its field.

    Hints, the JSON Schema, the reference, the stand-ins of a broken file and the digest are made
    from it (:mod:`simtraffic.scenario.explained`), so that a new key is written down once.
    """

    example: str
    """In YAML; nothing for what the example of its section shows already."""
    meaning: str = ""
    """In the reference; where it is empty, the docstring of the field says it."""
    default: str = ""
    """In YAML, where the default of the field does not read like that."""
    hint: str = ""
    """What to do when the key is missing; to add the example when left out."""
    stand_in: object = None
    """Plain data that takes its place while it cannot be read, of a list or mapping that of its
    items as well; the example when left out. Only what is required needs one."""
    counts_at_default: bool = True
    """Whether a scenario that says nothing of it has the digest of one that says the default; False
    for keys that came later, so that scenarios which never heard of them keep their run ids."""

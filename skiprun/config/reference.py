"""Every key of a config in plain words: its type, default, meaning, an example, and what it decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skiprun.config.experiment import RunConfig, role_of
from skiprun.config.fields import FileSection, Role
from skiprun.config.type_words import SECTION, Schema, section_in, type_words, yaml_text
from skiprun.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Key:
    """One key of a config.

    Attributes:
        key: with the sections that it stands in, such as `optim.lr`.
        type: in plain words; a section only holds the keys below it, and decides nothing itself.
        default: what silence means, as plain data.
        example: a value that a file might give it, as plain data.
        decides: its role.
    """

    key: str
    type: str
    required: bool
    default: Any
    meaning: str
    example: Any
    decides: Role | None

    @property
    def section(self) -> str:
        """The section that the key stands in; nothing at the top."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """The key as its section has it."""
        return self.key.rpartition(".")[2]

    @property
    def default_text(self) -> str:
        """What silence means, as a file would say it."""
        return "required" if self.required else yaml_text(self.default)

    @property
    def role_name(self) -> str:
        """What the key decides, in a word."""
        return self.decides.name.lower() if self.decides else "-"

    def to_dict(self) -> dict[str, Any]:
        """Return all that is said of the key, as plain data."""
        return {**vars(self), "decides": self.decides and self.decides.value}


def keys_of(section: str = "", whole: type[FileSection] = RunConfig) -> list[Key]:
    """Return a section with all keys below it, or one key; nothing said is the whole file.

    Args:
        section: dotted.
        whole: what a file of the kind says.

    Raises:
        InputError: no such key, with the nearest one.
    """
    schema = whole.model_json_schema(mode="serialization")  # without the shorthands of a file
    known = list(_keys_of(schema, schema["$defs"]))
    found = [each for each in known if not section or f"{each.key}.".startswith(f"{section}.")]
    if not found:
        near = _by_its_name(section, known) or did_you_mean(section.lower(), [each.key for each in known])
        raise InputError(f"No key of a config is called '{section}'.{near} `skiprun config` lists them all.")
    return found


def _by_its_name(name: str, known: Sequence[Key]) -> str:
    """Say of a key that is named without its section where it stands; nothing of any other."""
    homes = [each.key for each in known if each.name == name]
    return f" Did you mean '{homes[0]}'?" if homes else ""


def _keys_of(section: Schema, definitions: Mapping[str, Schema], above: str = "") -> Iterator[Key]:
    """Yield the keys of a section, and behind each section those below it."""
    for name, field in section["properties"].items():
        key, kind, default = above + name, type_words(field, definitions), field.get("default")
        likely = not default if field.get("type") == "boolean" else default
        yield Key(
            key=key,
            type=kind,
            required=name in section.get("required", ()),
            default=default,
            meaning=field["description"],
            example=field.get("examples", [likely])[0],
            decides=None if kind == SECTION else role_of(key),
        )
        if below := section_in(field, definitions):
            yield from _keys_of(
                below, definitions, f"{key}.KEY." if "additionalProperties" in field else f"{key}."
            )


def by_section(keys: Sequence[Key]) -> dict[str, list[Key]]:
    """Return the keys that have a value by the section that they stand in, in the order of a file."""
    found: dict[str, list[Key]] = {}
    for key in keys:
        if key.type != SECTION:
            found.setdefault(key.section, []).append(key)
    return found

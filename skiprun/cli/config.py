"""`skiprun config`: what a YAML file may say, key by key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.options import Json
from skiprun.cli.tables import WIDE, show_table
from skiprun.cli.terminal import emit, results
from skiprun.errors import OptionError

if TYPE_CHECKING:
    from skiprun.config.reference import Key
    from skiprun.config.type_words import Schema


def config(
    section: Annotated[
        str, typer.Argument(metavar="SECTION", help="A section or a key: optim, data.augment, optim.lr.")
    ] = "",
    json: Json = False,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of a whole file, for an editor.")
    ] = False,
) -> None:
    """Explain the keys of a config, with examples.

    A value that is called nothing here is written `null` in a file. Of one key (`skiprun config optim.lr`) it
    is also said what it decides: whether two runs that differ in it are still the same experiment.
    """
    from skiprun.config.reference import keys_of

    if schema and section:
        raise OptionError("--schema", "is that of a whole file; leave SECTION out")
    keys = keys_of(section)
    if schema:
        emit(schema_here())
    elif json:
        emit([key.to_dict() for key in keys])
    elif len(keys) == 1:
        show_key(keys[0])
    else:
        show_sections(keys)


def schema_here() -> Schema:
    """Return the schema of a file with all names that are known here, those of plug-ins too."""
    from skiprun.config.schema import file_schema
    from skiprun.models.complexity.catalog import model_names
    from skiprun.registry import CONNECTIONS, DATASETS, MODELS, PROBES
    from skiprun.registry.declarations import declarations

    names = {
        "ModelName": list(dict.fromkeys([*model_names(), *declarations(MODELS)])),
        "ConnectionName": list(declarations(CONNECTIONS)),
        "DatasetName": list(declarations(DATASETS)),
        "ProbeName": list(declarations(PROBES)),
    }
    return file_schema(names)


def show_key(key: Key) -> None:
    """Print what is said of one key, line by line."""
    from skiprun.config.type_words import yaml_text

    *sections, name = key.key.split(".")
    example = f"{name}: {yaml_text(key.example)}"
    for section in reversed(sections):
        example = f"{section}: {{{example}}}"
    decides = key.decides.value if key.decides else "-"
    facts = {"type": key.type, "default": key.default_text, "meaning": key.meaning, "example": example}
    show_table(["key", key.key], [*facts.items(), ("decides", decides)])


def show_sections(keys: Sequence[Key]) -> None:
    """Print the keys of each section as a table."""
    from skiprun.config.reference import by_section
    from skiprun.config.type_words import yaml_text

    meanings = {key.key: f"{key.key}: {key.meaning}" for key in keys}
    wide = ["decides"] if results.width >= WIDE else []
    for section, group in by_section(keys).items():
        rows = [
            [key.name, key.type, key.default_text, key.meaning, yaml_text(key.example), key.role_name]
            for key in group
        ]
        columns = ["key", "type", "default", "meaning", "example", *wide]
        show_table(columns, [row[: len(columns)] for row in rows], meanings.get(section, ""))
        results.print()

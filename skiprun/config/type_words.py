"""What a JSON Schema allows, in words: `number > 0`, `one of sgd, adamw`, `nothing or list of names`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
SECTION = "section"
ENDLESS = 10**9  # a limit from here on only keeps absurd numbers out
SIGNS = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}


def type_words(schema: Schema, definitions: Mapping[str, Schema] | None = None) -> str:
    """Return what a JSON Schema allows; `definitions` are what its references lead to."""
    definitions = definitions or {}
    match schema:
        case {} if not schema:
            return "value"
        case {"$ref": _}:
            return SECTION if section_in(schema, definitions) else "name"
        case {"anyOf": [*kinds, {"type": "null"}]}:
            return f"nothing or {' or '.join(type_words(each, definitions) for each in kinds)}"
        case {"const": word}:
            return yaml_text(word)
        case {"enum": words}:
            return f"one of {', '.join(map(yaml_text, words))}"
        case {"type": "array", "items": items}:
            number = f"{schema['minItems']} " if schema.get("maxItems") else ""
            return f"list of {number}{_plural(type_words(items, definitions))}"
        case {"type": "object", "additionalProperties": {"anyOf": _}}:
            return "mapping to values"
        case {"type": "object", "additionalProperties": {"type": "array"}}:
            return "mapping to lists"
        case {"type": "object"} if section_in(schema, definitions):
            return "mapping to sections"
        case {"type": "object"}:
            return "mapping to names"
        case {"type": "integer" | "number" as kind}:
            return ("whole number" if kind == "integer" else "number") + _limits_in_words(schema)
    return {"boolean": "true or false", "string": "text"}[schema["type"]]


def section_in(field: Schema, definitions: Mapping[str, Schema]) -> Schema | None:
    """Return the section that a field is, may be, lists, or maps to; None for any other field."""
    inner = [field[each] for each in ("items", "additionalProperties") if isinstance(field.get(each), dict)]
    for each in (field, *inner, *field.get("anyOf", ())):
        if "properties" in (found := definitions.get(each.get("$ref", "").rpartition("/")[2], {})):
            return found
    return None


def _limits_in_words(schema: Schema) -> str:
    """Say between which limits a number may be: `, 1 or more`, `, 0 to 64`, ` > 0`, ` >= 0 and < 1`."""
    limits = {each: schema[each] for each in SIGNS if each in schema and schema[each] < ENDLESS}
    match limits:
        case {"minimum": least, "maximum": most}:
            return f", {least} to {most}"
        case {"minimum": least} if len(limits) == 1:
            return f", {least} or more"
    return " and".join(f" {SIGNS[each]} {limit}" for each, limit in limits.items())


def _plural(words: str) -> str:
    """Return the words of a type for several; several texts are names."""
    return re.sub(r"^(whole number|number|section|name|value)", r"\1s", words.replace("text", "name"))


def yaml_text(value: Any) -> str:
    """Return a value on one line as a file would say it, where JSON is YAML too; None is nothing."""
    return "nothing" if value is None else value if isinstance(value, str) and value else json.dumps(value)

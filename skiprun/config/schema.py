"""The JSON Schema of a config file, for editors and check-jsonschema: what a file may say, shorthands too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from skiprun.config.contradictions import MAX_LAYERS, RESERVED, SITES
from skiprun.config.experiment import RunConfig
from skiprun.config.fields import SOURCES
from skiprun.config.sweep import SweepConfig
from skiprun.config.type_words import Schema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _given(key: str, value: Schema) -> Schema:
    """Return what holds where a key is given, with such a value."""
    return {"required": [key], "properties": {key: value}}


def _any_case(pattern: str) -> str:
    """Return a pattern that takes letters of both cases, as JSON Schema has no flag for it."""
    return re.sub(r"[a-z]", lambda letter: f"[{letter[0]}{letter[0].upper()}]", pattern)


def _not_both(one: Schema, other: Schema) -> Schema:
    """Return what holds where at most one of two things does."""
    return {"not": {"allOf": [one, other]}}


BASE_FILES: Schema = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    "description": "files beside this one, or of skiprun, whose keys hold where this one is silent",
}
SOMETHING: Schema = {"not": {"type": "null"}}
ABOVE_0: Schema = {"exclusiveMinimum": 0}
YES: Schema = {"const": True}
ALPHA: Schema = {"anyOf": [{"const": 0}, {"minimum": 0.01, "maximum": 1000}]}
# What `contradictions` refuses, as far as a schema can say it, by section.
RULES: dict[str, list[Schema]] = {
    "RunConfig": [
        {"properties": {"name": {"not": {"type": "string", "pattern": _any_case(RESERVED)}}}},
        {"properties": {"probes": {"uniqueItems": True}}},
    ],
    "ModelConfig": [
        {"properties": {"depth": {"maximum": MAX_LAYERS}}},
        {"properties": {"connections": {"propertyNames": {"pattern": SITES}}}},
        {"if": _given("init", {"const": "fixup"}), "then": _given("norm", {"const": "none"})},
        {"if": _given("feature_extract", YES), "then": _given("weights", SOMETHING)},
        _not_both(_given("feature_extract", YES), _given("freeze", {"minItems": 1, **SOMETHING})),
    ],
    "DataConfig": [
        _not_both(_given("instances", YES), _given("classes", {"minItems": 1, **SOMETHING})),
        {"if": _given("resize_size", SOMETHING), "then": _given("image_size", SOMETHING)},
    ],
    "AugmentConfig": [
        _not_both(_given("crop", ABOVE_0), _given("random_resized_crop", SOMETHING)),
        _not_both(_given("trivial_augment", YES), _given("rand_augment", SOMETHING)),
        _not_both(_given("mixup", ABOVE_0), _given("cutmix", ABOVE_0)),
        {"properties": {"mixup": ALPHA, "cutmix": ALPHA}},
    ],
    "OptimConfig": [
        _not_both(_given("clip_norm", SOMETHING), _given("clip_value", SOMETHING)),
        _not_both(_given("nesterov", YES), _given("name", {"enum": ["adam", "adamw", "rmsprop"]})),
        _not_both(_given("nesterov", YES), _given("momentum", {"const": 0})),
    ],
    "ScheduleConfig": [
        {"oneOf": [_given("epochs", SOMETHING), _given("steps", SOMETHING)]},
        {"if": _given("kind", {"const": "multistep"}), "then": _given("milestones", {"minItems": 1})},
        {"properties": {"milestones": {"uniqueItems": True}}},
        _not_both(_given("kind", {"enum": ["multistep", "constant"]}), _given("restarts", {"minItems": 1})),
        _not_both(_given("kind", {"const": "one_cycle"}), _given("warmup", ABOVE_0)),
    ],
    "ComputeConfig": [
        _not_both(_given("activation_checkpointing", YES), _given("compile", {"enum": ["on", "fused"]})),
    ],
}


class WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles that pydantic makes of names: `batch_size` needs no `Batch Size`."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - pydantic's signature
        """Return False, whatever the field."""
        return False


def sweep_schema() -> Schema:
    """Return the schema of a sweep file."""
    schema = TypeAdapter(SweepConfig).json_schema(schema_generator=WithoutTitles)
    return {"$schema": DIALECT, **schema, "title": "skiprun sweep"}


def file_schema(names: Mapping[str, Sequence[str]]) -> Schema:
    """Return the schema of a file.

    Args:
        names: the words of each type of names in `skiprun.config.fields`, such as `ModelName`.
    """
    schema = TypeAdapter(RunConfig).json_schema(schema_generator=WithoutTitles)
    schema["title"] = "skiprun config"
    schema["properties"]["_base_"] = BASE_FILES
    definitions: dict[str, Schema] = schema["$defs"]
    for kind, known in names.items():
        definitions[kind]["enum"] = list(known)
    known = definitions["ModelName"].pop("enum")
    others = [{"pattern": f"^{source}:"} for source in SOURCES]
    definitions["ModelName"]["anyOf"] = [{"enum": known}, *others]
    for section, rules in RULES.items():
        definitions.get(section, schema)["allOf"] = rules
    return {"$schema": DIALECT, **schema}

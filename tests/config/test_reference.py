"""What is said of the keys of a config: complete, in plain words, and with examples that may be copied."""

from __future__ import annotations

from typing import Any

import pytest

from skiprun.config import Role, RunConfig, SkipSchedule
from skiprun.config.reference import Key, by_section, keys_of
from skiprun.config.type_words import SECTION, type_words
from skiprun.errors import InputError

KEYS = {key.key: key for key in keys_of()}
VALUES = [key for keys in by_section(keys_of()).values() for key in keys]
REQUIRED: dict[str, Any] = {
    "model": {"name": "resnet20"},
    "data": {"name": "digits"},
    "schedule": {"epochs": 2},
}


@pytest.mark.parametrize("key", VALUES, ids=lambda key: key.key)
def test_every_key_has_a_meaning_and_an_example_that_says_something(key: Key) -> None:
    assert len(key.meaning.split()) >= 2
    assert key.example not in (None, "", [], {}), "give the field examples="
    assert key.decides in Role


@pytest.mark.parametrize(
    "key", [key for key in VALUES if "restarts." not in key.key], ids=lambda key: key.key
)
def test_every_example_may_be_written_into_a_file(key: Key) -> None:
    given: dict[str, Any] = {name: dict(section) for name, section in REQUIRED.items()}
    below = given
    for section in key.section.split(".") if key.section else []:
        below = below.setdefault(section, {"epochs": [1, 2]} if section == "skip_schedule" else {})
    below[key.name] = key.example
    config = RunConfig.model_validate(given).to_dict()
    for section in key.key.split("."):
        config = config[section]
    assert config == key.example


def test_the_types_are_plain_words() -> None:
    said = {
        "optim.name": "one of sgd, adam, adamw, rmsprop, muon",
        "optim.lr": "number > 0",
        "optim.momentum": "number >= 0 and < 1",
        "data.batch_size": "whole number, 1 or more",
        "data.augment.crop": "whole number, 0 to 64",
        "optim.clip_norm": "nothing or number > 0",
        "optim.class_weights": "nothing or balanced or list of numbers > 0",
        "probes": "list of names",
        "model.freeze": "nothing or list of names",
        "model.connections": "nothing or mapping to names",
        "model.options": "mapping to values",
        "model.skip_schedule": "nothing or section",
        "model.skip_schedule.epochs": "list of 2 numbers, 0 or more",
        "schedule.restarts": "list of sections",
        "compute.cuda_graph": "one of auto, true, false",
        "compute.deterministic": "true or false",
        "name": "text",
        "optim": SECTION,
    }
    assert {key: KEYS[key].type for key in said} == said
    assert type_words({"type": "integer"}) == "whole number"


def test_required_keys_have_no_default() -> None:
    required = {key.key for key in VALUES if key.required}
    below = {"model.skip_schedule.epochs", "schedule.restarts.step", "schedule.restarts.lr"}
    assert required == {"model.name", "data.name", *below}
    assert KEYS["model.name"].default_text == "required" and KEYS["optim.clip_norm"].default_text == "nothing"


def test_a_section_has_the_keys_that_the_schema_has() -> None:
    assert [key.name for key in keys_of("model.skip_schedule")[1:]] == ["from", "to", "epochs"]
    assert len(keys_of("optim")) == 1 + len(RunConfig.model_fields["optim"].annotation.model_fields)
    assert len(SkipSchedule.model_fields) == 3 and [key.key for key in keys_of("optim.lr")] == ["optim.lr"]


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("optim.lrr", "optim.lr"), ("lr", "optim.lr"), ("crop", "data.augment.crop"), ("optm", "optim")],
)
def test_a_wrong_key_is_refused_with_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(InputError, match=rf"'{wrong}'\. Did you mean '{near}'\? `skiprun config`"):
        keys_of(wrong)

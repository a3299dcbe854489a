"""The JSON Schema of a config refuses what it can of the broken configs, and takes every shorthand."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from skiprun import registry
from skiprun.cli.app import app
from skiprun.config_file import load_config
from skiprun.errors import InputError
from skiprun.models.complexity.catalog import model_names
from skiprun.system.yaml_file import read_yaml
from tests.support import CONFIGS
from tests.support.corpus import CORPUS

SCHEMA = Draft202012Validator(json.loads((CONFIGS / "schema.json").read_text(encoding="utf-8")))
NOT_FINITE = "JSON has no such number, so that its schema has no word for it"
WHOLE = "a number without a fraction is a whole number to JSON Schema, however it is written"
TWO_KEYS = "compares the values of two keys, and JSON Schema only knows constants"
UNSAYABLE = {
    "optim.lr='.nan'": NOT_FINITE,
    "optim.lr='.inf'": NOT_FINITE,
    "optim.lr='1e999'": NOT_FINITE,
    ".seed='1.0'": WHOLE,
    "name='12.0'": WHOLE,
    "name='1e3'": WHOLE,
    "optim.accumulate='3'": TWO_KEYS,
    "schedule.warmup='3'": TWO_KEYS,
    "schedule.milestones='[3]'": TWO_KEYS,
    "data.augment='{random_resized_crop'": "compares two values of a list",
}
GOOD = {
    "names of one word": "model: {name: resnet20, freeze: stem}",
    "whole numbers where there is text": "name: 12\nmodel: {name: unet, skip_levels: 1110, weights: 5}",
    "class names that look like numbers": "data: {name: digits, only_classes: [0, 1]}",
    "numbers of sites": 'model: {name: resnet20, connections: {3: none, "4, 6-8": add}}',
    "a length of which one is nothing": "schedule: {epochs: 3, steps: null}",
    "what is off beside what is on": "data: {name: digits, augment: {mixup: 0, cutmix: 1}}",
    "whole numbers where there are others": "optim: {lr: 1, clip_norm: 5}",
    "numbers as YAML has them": "optim: {lr: 1e-3, weight_decay: .5}",
    "fixup without normalization": "model: {name: resnet20, init: fixup, norm: none}",
    "one limit of the gradient": "optim: {clip_norm: null, clip_value: 0.5}",
    "no name of what is frozen": "model: {name: resnet20, feature_extract: true, weights: a.pt, freeze: []}",
    "checkpointed blocks, not compiled": "compute: {activation_checkpointing: true, compile: off}",
    "steps where a multistep falls": "schedule: {kind: multistep, steps: 9, milestones: [4, 6.5]}",
}
SECTIONS = {"model": "{name: resnet20}", "data": "{name: digits}", "schedule": "{epochs: 2}"}


def written(folder: Path, text: str | bytes) -> Path:
    """Return a file with what is said, and with every section that is required."""
    file = folder / "config.yaml"
    if isinstance(text, str):
        said = [line.split(":")[0] for line in text.splitlines()]
        more = [f"{name}: {section}" for name, section in SECTIONS.items() if name not in said]
        text = "\n".join([text, *more, ""]).encode()
    file.write_bytes(text)
    return file


@pytest.mark.parametrize("name", CORPUS)
def test_a_broken_config_is_refused_unless_no_schema_could_say_so(name: str, tmp_path: Path) -> None:
    try:
        plain, _ = read_yaml(written(tmp_path, CORPUS[name]))
    except InputError:
        assert name not in UNSAYABLE
        return  # what cannot be read is no document, which is what a schema is for
    assert SCHEMA.is_valid(plain) == (name in UNSAYABLE), UNSAYABLE.get(name)


@pytest.mark.parametrize("name", GOOD)
def test_what_a_file_may_say_is_taken(name: str, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD[name])
    load_config(file)
    assert [error.message for error in SCHEMA.iter_errors(read_yaml(file)[0])] == []


@pytest.mark.parametrize(
    "text",
    [
        "model: {name: resnet2o}",
        "model: {name: resnet20, connection: ad}",
        "model: {name: resnet20, connections: {3: ad}}",
        "data: {name: cifar}",
        "probes: [grad_nrm]",
        "model: {name: resnet20, depth: 10001}",
        "model: {name: resnet20, feature_extract: true}",
        "model: {name: resnet20, feature_extract: true, weights: a.pt, freeze: stem}",
        "data: {name: cells, instances: true, classes: [background, cell]}",
        "data: {name: digits, augment: {mixup: 0.001}}",
        "optim: {clip_norm: 1, clip_value: 1}",
        "optim: {name: adamw, nesterov: true}",
        "optim: {name: rmsprop, nesterov: true}",
        "optim: {name: lion}",
        "optim: {momentum: 0, nesterov: true}",
        "compute: {activation_checkpointing: true, compile: on}",
        "schedule: {steps: 9, kind: constant, restarts: [{step: 3, lr: 0.1}]}",
        "schedule: {steps: 9, kind: multistep, milestones: [4, 4]}",
        "schedule: {kind: multistep, steps: 9}",
        "schedule: {kind: cosine}",
        "schedule: {kind: one_cycle, epochs: 2, warmup: 1}",
    ],
)
def test_a_name_that_nothing_has_and_a_contradiction_are_refused(text: str, tmp_path: Path) -> None:
    assert not SCHEMA.is_valid(read_yaml(written(tmp_path, text))[0])


def test_every_key_has_a_meaning_for_an_editor() -> None:
    sections = [SCHEMA.schema, *(each for each in SCHEMA.schema["$defs"].values() if "properties" in each)]
    assert len(sections) == 14
    for section in sections:
        assert section["additionalProperties"] is False
        assert all(key["description"] for key in section["properties"].values())


def test_the_schema_of_this_environment_knows_the_names_of_plugins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_plugin.py").write_text(
        '@CONNECTIONS.register("own_connection", formula="y = x")\nclass Own: ...\n'
        '@MODELS.register("own_network")\nclass Network: ...\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry.MODELS.fill()
    plugin = EntryPoint("own", "own_plugin", registry.registry.PLUGINS)
    monkeypatch.setattr(registry.registry, "entry_points", lambda group: [plugin])
    shown = json.loads(CliRunner().invoke(app, ["config", "--schema"]).stdout)
    assert {"own_network", "resnet20"} <= set(shown["$defs"]["ModelName"]["anyOf"][0]["enum"])
    assert {"own_connection", "add"} <= set(shown["$defs"]["ConnectionName"]["enum"])


def test_the_schema_needs_no_torch_once_the_architectures_are_known() -> None:
    model_names()
    code = "import sys; sys.argv = ['skiprun', 'config', '--schema']\nimport atexit\n"
    code += "atexit.register(lambda: print('torch' in sys.modules))\nimport skiprun.__main__"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "False"

"""Runs of an earlier version are read, shown, compared, studied and continued in the words of today."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.config_file import load_config
from skiprun.errors import ConfigError
from skiprun.legacy import COMPUTE, config_of_today
from skiprun.run import Run, recorded_config
from skiprun.system.documents import write_sealed
from skiprun.training.checkpoint_file import load, save
from tests.support import GOLDEN
from tests.support.fake_runs import write_run
from tests.support.faulty import EVERYTHING, SignalAfterStep, fault_config, tiny_dataset, train_here, trial

CONFIG = fault_config(**EVERYTHING | {"schedule": {"epochs": 2}, "seeds": {"split": 1}})
STORED = GOLDEN / "config_of_before.yaml"
STORED_LATER = GOLDEN / "config_with_split_seed.yaml"


def test_the_config_of_a_stored_run_means_what_it_meant() -> None:
    config = recorded_config(yaml.safe_load(STORED.read_text()))
    assert config.model.connection == "layer_scale"
    assert config.model.connection_options == {"init": 0.0}, "what it began with, not the default of now"
    assert config.compute.model_dump() == {
        "device": "cpu",
        "precision": "fp32",
        "threads": 1,
        "channels_last": True,
        "compile": "auto",
        "cuda_graph": False,
        "activation_checkpointing": True,
        "sync_batch_norm": True,
        "overlap": False,
        "deterministic": False,
    }
    assert config.data.augment.rot90 is False
    assert recorded_config(config.to_dict()) == config, "what is written now is read as it is"


def test_the_seed_of_the_split_of_a_stored_run_is_read_from_where_it_was() -> None:
    stored = yaml.safe_load(STORED_LATER.read_text())
    assert stored["data"]["split_seed"] == 3
    config = recorded_config(stored)
    assert config.seeds.model_dump() == {"init": None, "order": None, "augment": None, "split": 3}
    assert before_seeds(config.to_dict()) == stored


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"name": "resnet20", "connection": "scale"}, {"connection": "constant_scaling"}),
        ({"name": "resnet20", "connection": "scaled"}, {"connection": "rezero"}),
        (
            {
                "name": "resnet20",
                "connection": "scaled",
                "connection_options": {"per_channel": False, "init": 0.1},
            },
            {"connection": "rezero", "connection_options": {"init": 0.1}},
        ),
        (
            {
                "name": "resnet20",
                "connection": "scaled",
                "connection_options": {"per_channel": True, "init": 0.1},
            },
            {"connection": "layer_scale", "connection_options": {"init": 0.1}},
        ),
        (
            {"name": "resnet20", "connection": "stochastic", "connection_options": {"per_picture": True}},
            {"connection": "stochastic_depth", "connection_options": {"per_image": True}},
        ),
        ({"name": "resnet20", "connection": "gated"}, {"connection": "highway"}),
        ({"name": "unetplusplus", "connection": "gated"}, {"connection": "attention_gate"}),
        (
            {"name": "resunet", "connection": "gated", "options": {"block_connection": "gated"}},
            {"connection": "attention_gate", "options": {"block_connection": "highway"}},
        ),
        (
            {"name": "resnet20", "connections": {"0": "gated_shortcut", "1-2": "conv1x1", "3": "dropout"}},
            {"connections": {"0": "shortcut_only_gating", "1-2": "conv_shortcut", "3": "shortcut_dropout"}},
        ),
        ({"name": "densenet40_12", "connection": "attention"}, {"connection": "attention_gate"}),
        ({"name": "resnet20", "connection": "add"}, {"connection": "add"}),
        ({"name": "resnet20", "connection": None}, {"connection": None}),
    ],
)
def test_each_connection_has_its_word_of_today(before: dict[str, Any], now: dict[str, Any]) -> None:
    read = config_of_today({"model": before, "data": {"name": "digits"}})
    assert read["model"] == before | now


def test_a_connection_of_ones_own_may_be_called_as_one_was_before(tmp_path: Path) -> None:
    assert write_run(tmp_path, "mine", connection="gated").summary()["model"]["connection"] == "gated"


def test_words_of_before_are_only_read_in_run_directories(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text(
        "model: {name: resnet20, connection: gated}\ndata: {name: digits}\n"
        "schedule: {steps: 1}\nprecision: fp32\n"
    )
    with pytest.raises(ConfigError, match=r"precision: unknown key\. Did you mean 'compute\.precision'\?"):
        load_config(tmp_path / "old.yaml")
    (tmp_path / "later.yaml").write_text(
        "model: {name: resnet20}\ndata: {name: digits, split_seed: 1}\nschedule: {steps: 1}\n"
    )
    with pytest.raises(ConfigError, match=r"data.split_seed: unknown key\. It is 'seeds\.split' now\."):
        load_config(tmp_path / "later.yaml")


def invoke(words: list[str]) -> Result:
    with tiny_dataset():
        return CliRunner().invoke(app, words)


Written = Callable[[dict[str, Any]], dict[str, Any]]


def before_seeds(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config of today that holds no source, as it was before there was a section `seeds`."""
    config = without(config, "import", "imported")
    seeds = config.pop("seeds")
    assert all(seeds[source] is None for source in ("init", "order", "augment"))
    data = without(config["data"], "resize_size", "folds", "image_dir", "mask_dir") | {
        "split_seed": seeds["split"]
    }
    augment = without(data["augment"], "random_resized_crop", "rand_augment", "trivial_augment")
    shapes = ("pct_start", "div_factor", "final_div_factor", "decay_share", "decay_shape")
    optim = without(config["optim"], "class_weights")
    schedule = without(config["schedule"], "patience", *shapes)
    compute = without(config["compute"], "sync_batch_norm", "overlap")
    log = without(config["log"], "layers")
    kept = {"optim": optim, "schedule": schedule, "compute": compute, "log": log}
    return config | {"data": data | {"augment": augment}, **kept}


def without(section: dict[str, Any], *later: str) -> dict[str, Any]:
    """Return a section without keys that came later and are not used."""
    return {key: value for key, value in section.items() if key not in later}


def of_before(config: dict[str, Any]) -> dict[str, Any]:
    """Return a config of today, of a network with stochastic depth, as the version before wrote it."""
    config = before_seeds(config)
    compute = config.pop("compute")
    model = config["model"] | {"connection": "stochastic"}
    augment = config["data"]["augment"]
    augment = {("turn" if key == "rot90" else key): value for key, value in augment.items()}
    return (
        config
        | {old: compute[new] for old, new in COMPUTE.items()}
        | {
            "model": model,
            "data": config["data"] | {"augment": augment},
        }
    )


def make_old(run: Run, written: Written) -> None:
    """Write a run's files as an earlier version had them, with its words for a config."""
    run.config_file.write_text(yaml.safe_dump(written(run.config.to_dict()), sort_keys=False))
    for file in run.checkpoints.glob("*.pt"):
        state = load(file)
        save(file, state | ({"config": written(state["config"])} if "config" in state else {}))
    if run.summary_file.exists():
        summary = run.summary()
        summary["config"] = written(summary["config"])
        if written is of_before:
            summary["model"]["connection"] = "stochastic"
        write_sealed(run.summary_file, summary)


VERSIONS = pytest.mark.parametrize("written", [of_before, before_seeds])


@VERSIONS
def test_a_finished_run_of_before_is_shown_compared_and_studied(tmp_path: Path, written: Written) -> None:
    run = train_here(CONFIG, tmp_path)
    make_old(run, written)
    assert run.config == CONFIG and run.summary()["model"]["connection"] == "stochastic_depth"
    for words in (
        ["runs"],
        ["compare", str(run.path)],
        ["lesion", str(run.path)],
        ["runs", "show", str(run.path)],
    ):
        done = invoke([*words, "--runs", str(tmp_path)])
        assert done.exit_code == 0, done.output
    assert "stochastic_depth" in done.stdout


@VERSIONS
def test_a_half_finished_run_of_before_goes_on_to_the_same_bits(tmp_path: Path, written: Written) -> None:
    whole = train_here(CONFIG, tmp_path / "whole")
    trial(CONFIG, tmp_path / "parts", progress=SignalAfterStep(5, signal.SIGTERM))
    run = Run.of(tmp_path / "parts", fault_config())
    assert run.state == "stopped"
    make_old(run, written)
    done = train_here(CONFIG, tmp_path / "parts")
    ends = [load(each.checkpoints / "last.pt")["model"] for each in (whole, done)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0]) and done.state == "finished"

"""Sweeps: what a file may say, what is trained, which arm is chosen, and what was stopped early."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun.claims.sweep import Sweep
from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.config.sweep import RandomSearch
from skiprun.errors import InputError, SkiprunError, Stopped
from skiprun.experiment import plan_sweep, sweep
from skiprun.experiment.many import Launcher
from skiprun.experiment.sweeps.arms import list_arms, read_grid
from skiprun.experiment.sweeps.draws import draw_settings
from skiprun.experiment.sweeps.sweep_file import load_sweep
from skiprun.run import Run
from skiprun.system.documents import read_document
from tests.support.fake_runs import write_run
from tests.support.faulty import assert_same_runs, tiny_dataset, train_here
from tests.support.told_training import ToldTraining

GRID = "config: resnet20\ngrid:\n  optim.lr: [0.05, 0.1]\n  model.connection: [add, highway]\nseeds: 3\n"
SHAKE = [0.1, -0.1, 0.0, 0.2, -0.2]  # of seeds
Scores = Callable[[RunConfig], tuple[float, float] | None]


# Validation and test error of an arm, and how its seeds are shaken.
TOLD = {
    (0.05, "add"): (5.0, 7.0, 0),
    (0.1, "add"): (5.02, 6.0, 1),
    (0.05, "highway"): (9.0, 9.0, 2),
    (0.1, "highway"): (9.1, 9.0, 3),
}


def by_validation(config: RunConfig) -> tuple[float, float]:
    """The best arm by validation is not the best one by test, and is not told apart from it."""
    val, test, shift = TOLD.get((config.optim.lr, str(config.model.connection)), (9.9, 9.9, 4))
    return val + SHAKE[(config.seed + shift) % 5], test + SHAKE[config.seed]


class Training(ToldTraining[str]):
    """Stands for the training of what is missing: validation and test error of each run are told."""

    def __init__(self, scores: Scores) -> None:
        super().__init__()
        self.scores = scores

    def train(self, config: RunConfig, runs: Path) -> None:
        found = self.scores(config)
        val, test = found or (0.0, 0.0)
        write_run(
            runs,
            config.name,
            config.seed,
            model=config.model.name,
            epochs=1,
            val=val,
            test={"error": test},
            state="finished" if found else "diverged",
            settings=config.to_dict(),
        )
        self.trained.append(f"{config.name} {config.seed}")


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Training]:
    def stands_for(scores: Scores = by_validation, write: bool = False) -> Training:
        training = Training(scores)
        module = import_module("skiprun.experiment.sweeps.sweep")
        monkeypatch.setattr(module, "train_missing", training)
        if not write:  # a figure takes a while
            monkeypatch.setattr(module, "write_sweep", lambda _: None)
        return training

    return stands_for


def file(folder: Path, text: str) -> Path:
    path = folder / "rates.yaml"
    path.write_text(text)
    return path


def state_of(found: Sweep) -> dict[str, str]:
    return {each.arm.label: each.state for each in found.arms}


def test_every_combination_is_trained_with_the_same_seeds(tmp_path: Path, training: Any) -> None:
    told = training()
    found = sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    assert found.folder == tmp_path / "sweeps/rates"
    names = ["lr-0.05-connection-add", "lr-0.05-connection-highway"]
    names += ["lr-0.1-connection-add", "lr-0.1-connection-highway"]
    assert told.trained == [f"{name} {seed}" for name in names for seed in range(3)]
    config = Run(found.folder / names[1] / "seed-2").config
    assert (config.optim.lr, config.model.connection, config.seed) == (0.05, "highway", 2)


def test_validation_chooses_and_says_what_the_seeds_do_not_tell_apart(tmp_path: Path, training: Any) -> None:
    training()
    found = sweep(plan_sweep(file(tmp_path, GRID), seeds=5, runs=tmp_path))
    assert state_of(found) == {
        "lr=0.05 connection=add": "chosen",
        "lr=0.1 connection=add": "not told apart",
        "lr=0.05 connection=highway": "behind",
        "lr=0.1 connection=highway": "behind",
    }
    chosen, report, behind, same, detectable = found.finding.sentences
    assert chosen.startswith(
        "Chosen by validation error: lr=0.05 connection=add with 5.00 % (mean of 5 seeds)"
    )
    assert "test error of 7.00 +- 0.16 %" in report and "winner's curse" in report
    assert "over 6 pairs" in behind and behind.count("connection=highway") == 2
    assert "lr=0.1 connection=add (+0.02 points" in same and detectable.startswith("Detectable")


def test_one_seed_chooses_and_is_said_to_test_nothing(tmp_path: Path, training: Any) -> None:
    training()
    found = sweep(plan_sweep(file(tmp_path, GRID), seeds=1, runs=tmp_path))
    assert set(state_of(found).values()) == {"chosen", "untested"}
    assert any("one seed shows a difference, not its spread" in text for text in found.finding.sentences)


def test_an_arm_that_lost_a_seed_is_not_chosen_nor_tried_again(tmp_path: Path, training: Any) -> None:
    told = training(lambda c: None if (c.optim.lr, c.seed) == (0.05, 1) else by_validation(c))
    found = sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    assert state_of(found)["lr=0.05 connection=add"] == "not finished"
    assert found.finding.evidence and found.finding.evidence.chosen == "lr=0.1 connection=add"
    assert any("diverged" in text for text in found.remarks)
    sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    assert len(told.trained) == 12


def test_what_was_stopped_goes_on_and_more_takes_what_is_there(tmp_path: Path, training: Any) -> None:
    told = training()
    told.stop_after = 4
    with pytest.raises(Stopped):
        sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    told.stop_after = None
    found = sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    assert len(told.trained) == len({*told.trained}) == 12
    assert sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path)).to_dict() == found.to_dict()
    sweep(plan_sweep(file(tmp_path, GRID.replace("0.1]", "0.1, 0.2]")), runs=tmp_path, seeds=1, overrides=[]))
    assert told.trained[12:] == ["lr-0.2-connection-add 0", "lr-0.2-connection-highway 0"]


def test_the_result_is_kept_beside_the_runs(tmp_path: Path, training: Any) -> None:
    training(write=True)
    found = sweep(plan_sweep(file(tmp_path, GRID), runs=tmp_path))
    kept: dict[str, Any] = read_document(found.folder / "sweep.json", dict[str, object], "")
    assert kept["chosen"] == "lr=0.05 connection=add" and len(kept["arms"]) == 4
    assert (found.folder / "sweep.png").read_bytes().startswith(b"\x89PNG")
    assert "| 0.05 | add | chosen | 3 |" in (found.folder / "sweep.md").read_text()


def test_the_command_prints_a_table_and_json(tmp_path: Path, training: Any) -> None:
    training()
    words = ["sweep", str(file(tmp_path, GRID)), "--runs", str(tmp_path)]
    shown = CliRunner().invoke(app, words, catch_exceptions=False, env={"COLUMNS": "200"}).stdout
    assert "not told apart" in shown and "Chosen by validation error" in shown
    plain = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert plain["chosen"] == "lr=0.05 connection=add"
    assert plain["arms"][0]["settings"] == {"optim.lr": 0.05, "model.connection": "add"}


def test_commands_train_each_run_and_foresee_no_halving(tmp_path: Path) -> None:
    lines = plan_sweep(file(tmp_path, GRID), runs=tmp_path).commands()
    assert len(lines) == 12 and "lr-0.05-connection-add-seed-0.yaml" in lines[0]
    with pytest.raises(InputError, match="--print-commands: --halving halving asks for runs as it sees"):
        plan_sweep(file(tmp_path, GRID), runs=tmp_path, halving=True).commands()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config: resnet20\n", "grid: found neither grid nor random"),
        ("config: resnet20\ngrid: {}\n", r"rates.yaml:2:1 grid"),
        ("config: resnet2\ngrid: {optim.lr: [1]}\n", r"rates.yaml:1:1 config: No model is called 'resnet2'"),
        (
            "config: no.yaml\ngrid: {optim.lr: [1]}\n",
            r"rates.yaml:1:1 config: found no.yaml, but there is no",
        ),
        (
            "config: resnet20\ngrid:\n  optim.lrr: [1]\n",
            r"rates.yaml:3:3 optim.lrr: unknown key\. Did you mean 'lr'",
        ),
        ("config: resnet20\ngrid:\n  optim.lr: [0.1, -1]\n", r"rates.yaml:3:3 optim.lr: found -1"),
        ("config: resnet20\ngrid:\n  optim.lr: 0.1\n", r"rates.yaml:3:3 grid.optim.lr: found 0.1; .*list"),
        ("config: resnet20\ngrid:\n  optim.lr: [0.1, 0.1]\n", r"rates.yaml:3:3 grid.optim.lr: .*0.1 twice"),
        ("config: resnet20\ngrid:\n  compute.threads: [1]\n", r"compute.threads decides only where and how"),
        ("config: resnet20\ngrids:\n  optim.lr: [1]\n", r"rates.yaml:2:1 grids: unknown key\. Did you mean"),
        (
            "config: resnet20\nrandom: {number: 2, over: {optim.lr: {log_uniform: [0, 1]}}}\n",
            r"rates.yaml:2:\d+ random.over.optim.lr: .*bounds must rise, from above 0 on",
        ),
        (
            "config: resnet20\nrandom: {number: 2, over: {optim.lr: {lognormal: [0, 1]}}}\n",
            r"lognormal: unknown key.*Allowed here: values, uniform, log_uniform",
        ),
        (
            "config: resnet20\nrandom: {number: 5, over: {optim.lr: [0.1, 0.2]}}\n",
            r"rates.yaml:2:\d+ random.number: found 5, but there are about 2 different settings",
        ),
    ],
)
def test_what_is_no_sweep_is_refused_at_its_place(
    tmp_path: Path, training: Any, text: str, message: str
) -> None:
    told = training()
    with pytest.raises(InputError, match=message):
        sweep(plan_sweep(file(tmp_path, text), runs=tmp_path / "runs"))
    assert not told.trained and not (tmp_path / "runs").exists()


def test_an_override_of_what_varies_is_refused(tmp_path: Path, training: Any) -> None:
    training()
    with pytest.raises(InputError, match=r"--set optim.lr=1: .*rates.yaml:3:3 grid.optim.lr varies that"):
        sweep(plan_sweep(file(tmp_path, GRID), overrides=["optim.lr=1"], runs=tmp_path))


def test_draws_go_on_and_stay_between_their_bounds(tmp_path: Path) -> None:
    over = {"optim.lr": {"log_uniform": [0.01, 1.0]}, "model.connection": ["none", "add"]}
    over["optim.momentum"] = {"uniform": [0.5, 0.9]}
    many = list(draw_settings(RandomSearch.model_validate({"number": 400, "over": over})))
    assert many[:7] == list(draw_settings(RandomSearch.model_validate({"number": 7, "over": over})))
    alone = list(
        draw_settings(RandomSearch.model_validate({"number": 7, "over": {"optim.lr": over["optim.lr"]}}))
    )
    assert [each["optim.lr"] for each in many[:7]] == [each["optim.lr"] for each in alone]
    rates, momenta = ([float(str(each[key])) for each in many] for key in ("optim.lr", "optim.momentum"))
    assert 0.01 <= min(rates) < 0.012 and 0.85 < max(rates) <= 1
    assert statistics.median(rates) == pytest.approx(0.1, rel=0.3), "half of the decades are below a tenth"
    assert statistics.mean(momenta) == pytest.approx(0.7, abs=0.02)
    assert sum(each["model.connection"] == "add" for each in many) == pytest.approx(200, abs=40)


def test_a_grid_of_the_command_line_has_values_of_yaml() -> None:
    arms = read_grid(["optim.lr=0.05,1e-3", "model.connections={1: none},null"])
    assert [arm.label for arm in arms[:2]] == [
        'lr=0.05 connections={"1": "none"}',
        "lr=0.05 connections=nothing",
    ]
    assert [arm.settings["optim.lr"] for arm in arms] == [0.05, 0.05, 0.001, 0.001]
    assert [arm.label for arm in read_grid([])] == [""]
    for text in ("optim.lr", "optim.lr=", "=1,2"):
        with pytest.raises(SkiprunError, match="--grid"):
            read_grid([text])


def test_arms_whose_keys_end_alike_are_told_apart(tmp_path: Path) -> None:
    text = "config: resnet20\ngrid: {model.name: [plain20], data.name: [digits]}\n"
    [arm] = list_arms(load_sweep(file(tmp_path, text), None, None, halving=False))
    assert arm.label == "model.name=plain20 data.name=digits"


TINY = """
model: {name: resnet_cifar, depth: 8, width: 4}
data: {name: tiny, batch_size: 16, val_fraction: 0.2}
schedule: {epochs: 10}
compute: {device: cpu, precision: fp32}
log: {every: 2, tensorboard: false}
"""


def test_halving_stops_hopeless_arms_and_survivors_have_the_bits_of_whole_runs(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY)
    text = "config: tiny.yaml\ngrid: {optim.lr: [1.0e-9, 0.05, 1.0e-8]}\nhalving: {rungs: 1}\n"
    with tiny_dataset():
        found = sweep(plan_sweep(file(tmp_path, text), runs=tmp_path / "runs"), Launcher(jobs=1))
        again = sweep(plan_sweep(file(tmp_path, text), runs=tmp_path / "runs"), Launcher(jobs=1))
    assert found.to_dict() == again.to_dict()
    states = {each.arm.label: each.state for each in found.arms}
    assert states == {"lr=0.05": "chosen", "lr=1e-09": "stopped early", "lr=1e-08": "stopped early"}
    assert [run.state for run in found.arms[1].arm.runs] == ["stopped"]
    assert any("2 arms at 33 % of the run" in text for text in found.remarks)
    config = found.arms[0].arm.runs[0].config
    train_here(config, tmp_path / "whole")
    assert_same_runs(tmp_path / "whole", found.folder, config)
    sessions = [len(each.arm.runs[0].sessions()) for each in found.arms]
    assert sessions == [2, 1, 1], "nothing is trained twice"

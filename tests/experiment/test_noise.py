"""One source of randomness varies at a time: what is planned, said, kept, and not trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import RunConfig, Source
from skiprun.config_file import build_config
from skiprun.errors import InputError, RunTaken, Stopped
from skiprun.experiment import noise, plan_noise, train
from skiprun.experiment.idle_sources import idle_sources
from skiprun.experiment.many import Launcher
from skiprun.experiment.noise import OTHER, run_of
from skiprun.run import Run
from skiprun.system.documents import read_document
from tests.support.data_files import image_folder
from tests.support.fake_runs import write_run
from tests.support.told_training import ToldTraining

Error = Callable[[RunConfig], float | None]
# What each seed of each source adds to the error; those from OTHER on are the other seeds.
SHAKE: dict[Source, list[float]] = {
    "init": [3.0, -2.0, 1.0, 4.0, -4.0],
    "order": [0.1, -0.2, 0.2, 0.0, 0.1],
    "split": [0.5, 0.0, 1.0, -1.0, 0.2],
}


def adding(config: RunConfig) -> float:
    """Every source adds its part to the error; another seed adds the opposite."""
    seeds = {source: config.seed_of(source) for source in SHAKE}
    return 20 + sum(
        SHAKE[source][seed % OTHER] * (-1.0 if seed >= OTHER else 1.0) for source, seed in seeds.items()
    )


class Training(ToldTraining[str]):
    """Stands for the training of what is missing.

    Attributes:
        error: test error of a run; None: it diverges.
    """

    def __init__(self, error: Error) -> None:
        super().__init__()
        self.error = error

    def train(self, config: RunConfig, runs: Path) -> None:
        error = self.error(config)
        write_run(
            runs,
            config.name,
            config.seed,
            model=config.model.name,
            epochs=1,
            test={"error": error or 0.0, "loss": 1.0 + (error or 0.0)},
            state="diverged" if error is None else "finished",
            settings=config.to_dict(),
        )
        self.trained.append(f"{config.name} {config.seed}")


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Training]:
    def stands_for(error: Error = adding, write: bool = False) -> Training:
        training = Training(error)
        module = import_module("skiprun.experiment.noise")
        monkeypatch.setattr(module, "train_missing", training)
        monkeypatch.setattr(module, "idle_sources", lambda *_: {"augment": "nothing is drawn"})
        if not write:  # a figure takes a while
            monkeypatch.setattr(module, "write_noise", lambda _: None)
        return training

    return stands_for


def test_each_source_changes_alone_beside_runs_in_which_all_do(tmp_path: Path, training: Any) -> None:
    told = training()
    found = noise(plan_noise("resnet20", seeds=3, runs=tmp_path))
    assert found.folder == tmp_path / "noise/digits-resnet20"
    assert told.trained == [f"{arm} {seed}" for arm in ("all", "init", "order", "split") for seed in range(3)]
    for arm in ("all", "init", "order", "split"):
        for seed in range(3):
            config = Run(found.folder / arm / f"seed-{seed}").config
            drawn = {source: config.seed_of(source) for source in ("init", "order", "augment", "split")}
            assert drawn == dict.fromkeys(drawn, seed) | ({arm: seed + OTHER} if arm != "all" else {})


def test_parts_are_those_of_the_runs(tmp_path: Path, training: Any) -> None:
    training()
    found = noise(plan_noise("resnet20", seeds=5, runs=tmp_path))
    error = found.components["test.error"]
    for source, values in SHAKE.items():
        assert error.alone[source].variance == pytest.approx(sum((2 * each) ** 2 / 2 for each in values) / 5)
    first, second, *_ = found.finding.sentences
    assert first.startswith("All sources together spread the test error by 3.")
    assert second.startswith("Told apart, by standard deviations: init ") and "order, p < 0.001" in second
    assert any("Not varied: augment, as nothing is drawn." in text for text in found.remarks)
    assert any("was not measured" in text for text in found.remarks)
    assert found.components["test.loss"].alone["init"].variance == pytest.approx(error.alone["init"].variance)


def test_the_result_is_kept_beside_the_runs(tmp_path: Path, training: Any) -> None:
    training(write=True)
    found = noise(plan_noise("resnet20", seeds=3, runs=tmp_path))
    kept: dict[str, Any] = read_document(found.folder / "noise.json", dict[str, object], "")
    assert kept["idle"] == {"augment": "nothing is drawn"} and kept["score"] == "error"
    assert kept["components"]["test.error"]["alone"]["init"]["freedom"] == 3
    assert (found.folder / "noise.png").read_bytes().startswith(b"\x89PNG")
    assert "| init | 3 |" in (found.folder / "noise.md").read_text()


def test_what_was_stopped_goes_on_and_more_seeds_and_sources_take_what_is_there(
    tmp_path: Path, training: Any
) -> None:
    told = training()
    told.stop_after = 3
    with pytest.raises(Stopped):
        noise(plan_noise("resnet20", seeds=2, sources=["init"], runs=tmp_path))
    told.stop_after = None
    few = noise(plan_noise("resnet20", seeds=2, sources=["init"], runs=tmp_path))
    assert told.trained == ["all 0", "all 1", "init 0", "init 1"]
    assert few.components["test.error"].interaction is None, "the other sources were not asked for"
    again = noise(plan_noise("resnet20", seeds=2, sources=["init"], runs=tmp_path))
    assert len(told.trained) == 4 and again.to_dict() == few.to_dict()
    noise(plan_noise("resnet20", seeds=3, sources=["order", "init"], runs=tmp_path))
    assert told.trained[4:] == ["all 2", "init 2", "order 0", "order 1", "order 2"]


def test_a_run_that_diverged_is_named_and_not_counted(tmp_path: Path, training: Any) -> None:
    training(lambda config: None if (config.name, config.seed) == ("init", 1) else adding(config))
    found = noise(plan_noise("resnet20", seeds=3, runs=tmp_path))
    assert found.components["test.error"].alone["init"].freedom == 2
    assert [text for text in found.remarks if "diverged" in text] == ["Not counted: init/seed-1: diverged"]


def test_few_seeds_say_that_they_rank_nothing_and_how_many_would(tmp_path: Path, training: Any) -> None:
    training()
    sentences = noise(plan_noise("resnet20", seeds=2, runs=tmp_path)).finding.sentences
    (said,) = (each for each in sentences if "ranked" in each)
    assert said.startswith("Sources are not ranked: 2 seeds tell no two apart. Seen: init ")
    assert said.endswith("seeds.")


def test_two_experiments_do_not_share_a_result(tmp_path: Path, training: Any) -> None:
    training()
    noise(plan_noise("resnet20", seeds=2, runs=tmp_path))
    with pytest.raises(RunTaken, match=r"(?s)optim\.lr: 0\.1 -> 0\.05.*Choose another --name\."):
        noise(plan_noise("resnet20", seeds=2, overrides=["optim.lr=0.05"], runs=tmp_path))
    other = noise(plan_noise("resnet20", seeds=2, overrides=["optim.lr=0.05"], runs=tmp_path, prefix="slow"))
    assert other.folder == tmp_path / "noise/slow-resnet20"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": ["ordre"]}, r"--sources: found 'ordre'\. Did you mean 'order'\?"),
        ({"sources": ["augment"]}, "Nothing to vary: augment: nothing is drawn"),
        ({"seeds": 1}, "--seeds 1: one run has no spread"),
        ({"overrides": ["seeds.init=1"]}, "--set seeds.init=1: noise sets the seeds"),
        ({"overrides": ["seed=1"]}, "--set seed=1: noise sets the seeds"),
    ],
)
def test_what_cannot_be_split_is_refused(
    tmp_path: Path, training: Any, options: dict[str, Any], message: str
) -> None:
    told = training()
    with pytest.raises(InputError, match=message):
        noise(plan_noise("resnet20", runs=tmp_path, **options))
    assert not told.trained and not [*tmp_path.iterdir()]


def test_the_command_prints_a_table_and_json(tmp_path: Path, training: Any) -> None:
    training()
    words = ["noise", "resnet20", "--seeds", "3", "--sources", "init,split", "--runs", str(tmp_path)]
    shown = CliRunner().invoke(app, words, catch_exceptions=False, env={"COLUMNS": "200"}).stdout
    assert "share of variance" in " ".join(shown.split()) and "All sources together" in shown
    plain = json.loads(CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False).stdout)
    assert list(plain["components"]["test.error"]["alone"]) == ["init", "split"]
    assert CliRunner().invoke(app, ["noise", "resnet20", "plain20"]).exit_code


def found_idle(**sections: Any) -> dict[str, str]:
    plain = {
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "digits", "batch_size": 64},
        "schedule": {"steps": 1},
        "compute": {"device": "cpu"},
        "log": {"tensorboard": False},
    }
    config = build_config(plain | sections)
    return idle_sources(run_of(config, 0), run_of(config, OTHER))


def test_a_source_that_decides_nothing_is_found(tmp_path: Path) -> None:
    model = {"name": "resnet_cifar", "depth": 8, "width": 4}
    assert set(found_idle()) == {"augment"}
    assert not found_idle(data={"name": "digits", "augment": {"flip": True}})
    assert not found_idle(model=model | {"connection": "stochastic_depth"})
    plain = {"model": model, "data": {"name": "digits"}, "schedule": {"steps": 1}}
    given = train(plain, runs=tmp_path)
    assert set(found_idle(model=model | {"weights": str(given.path)})) == {"init", "augment"}
    image_folder(folder := tmp_path / "images", ("a", "b"), (("train", 6), ("val", 6), ("test", 6)))
    data = {"name": "image_folder", "root": str(folder), "batch_size": 2, "augment": {"flip": True}}
    assert found_idle(data=data) == {"split": "dataset 'image_folder' has splits of its own"}


@pytest.mark.slow
def test_real_runs_are_split(tmp_path: Path) -> None:
    """The smallest run: what is trained differs in what was varied, and a second command trains nothing."""
    (tmp_path / "small.yaml").write_text(
        "model: {name: resnet_cifar, depth: 8, width: 4}\ndata: {name: digits, batch_size: 64}\n"
        "schedule: {epochs: 1}\ncompute: {device: cpu}\nlog: {tensorboard: false}\n"
    )
    found = noise(plan_noise(str(tmp_path / "small.yaml"), seeds=2, runs=tmp_path), Launcher(jobs=1))
    assert list(found.groups) == ["all", "init", "order", "split"] and list(found.idle) == ["augment"]
    losses = {arm: group.by_seed("test.loss") for arm, group in found.groups.items()}
    assert len({value for values in losses.values() for value in values.values()}) == 8
    again = noise(plan_noise(str(tmp_path / "small.yaml"), seeds=2, runs=tmp_path), Launcher(jobs=1))
    assert again.to_dict() == found.to_dict()

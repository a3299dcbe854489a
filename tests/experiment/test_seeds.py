"""Each source of randomness has a seed: that of the run, or the one at which it is held."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any, get_args
from unittest import mock

import pytest
import torch

from skiprun.claims.comparison import compare_runs
from skiprun.config import RunConfig, Source
from skiprun.errors import CheckpointError, InputError, RunTaken
from skiprun.experiment import ComparisonRequest, evaluate, plan_comparison, prepare
from skiprun.experiment.make_trainer import logging_to, make_trainer
from skiprun.experiment.study_runner.study_targets import find_targets
from skiprun.run import Run, refuse_one_place
from skiprun.training.checkpoint_file import load
from tests.support.fake_runs import write_run
from tests.support.faulty import EVERYTHING, fault_config, tiny_dataset, train_here

SOURCES: tuple[Source, ...] = get_args(Source)


def config(seed: int = 0, **seeds: int) -> RunConfig:
    """Return a run of which every source decides something: even its network draws."""
    return fault_config(**EVERYTHING | {"seed": seed, "seeds": seeds, "schedule": {"steps": 3}})


class Halt(Exception):
    """Ends a step before it is made."""


def draws(config: RunConfig) -> dict[Source, list[torch.Tensor]]:
    """Return what each source draws: weights, rows of a batch, the generator of a step, validation images."""
    with tiny_dataset():
        parts = prepare(config)
    open_log = logging_to(Run.of(Path("nowhere"), config), parts)
    trainer = make_trainer(parts, Path("nowhere"), open_log, None, lambda: None)
    with mock.patch.object(trainer, "optimizer_step", side_effect=Halt) as step, contextlib.suppress(Halt):
        trainer.train_step()
    return {
        "init": list(trainer.model.parameters()),
        "order": [step.call_args.args[0]],
        "augment": [torch.get_rng_state()],
        "split": [images for images, _ in parts.loaders.batches("val", 99)],
    }


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(map(torch.equal, one, other))


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_that_is_held_draws_as_a_run_of_that_seed_and_no_other_does(
    source: Source,
) -> None:
    ours, run, held = draws(config()), draws(config(7, split=7)), draws(config(**{source: 7}))
    for each in SOURCES:
        assert same(held[each], (run if each == source else ours)[each]), each
        assert not same(ours[each], run[each]), each


def test_sources_at_one_seed_are_the_run_of_that_seed(tmp_path: Path) -> None:
    plain = train_here(config(3), tmp_path / "plain")
    held = train_here(config(5, init=3, order=3, augment=3), tmp_path / "held")
    weights = [load(run.checkpoints / "last.pt")["model"] for run in (plain, held)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_what_a_network_draws_belongs_to_augment(tmp_path: Path) -> None:
    """A step has one stream, so that stochastic depth is held where augmentation is."""
    sections = EVERYTHING | {"data": {"name": "tiny", "batch_size": 16, "val_fraction": 0.2}}

    def losses(name: str, **seeds: int) -> list[float | None]:
        run = train_here(
            fault_config(**sections | {"name": name, "seeds": seeds, "schedule": {"steps": 3}}), tmp_path
        )
        return [row["train/loss"] for row in run.rows() if "train/loss" in row]

    assert losses("one") == losses("other", augment=0) != losses("another", augment=1)


def test_a_directory_with_other_seeds_is_another_experiments(tmp_path: Path) -> None:
    run = train_here(config(), tmp_path)
    for source in SOURCES:
        with pytest.raises(RunTaken, match=rf"seeds\.{source}: (None|0) -> 7"):
            train_here(config(**{source: 7}), tmp_path)
        with pytest.raises(InputError, match=rf"would both be the run .* differ in seeds\.{source}"):
            refuse_one_place([("one", config()), ("other", config(**{source: 7}))])
    run.summary_file.unlink()
    run.config_file.write_text(run.config_file.read_text().replace("order: null", "order: 7"))
    with pytest.raises(CheckpointError, match=r"of another experiment \(seeds\.order: None -> 7"):
        train_here(config(order=7), tmp_path)


def test_a_finished_run_is_not_taken_for_one_of_other_seeds(tmp_path: Path) -> None:
    run = train_here(config(), tmp_path)
    run.config_file.write_text(run.config_file.read_text().replace("init: null\n  order", "init: 7\n  order"))
    with pytest.raises(InputError, match=r"changed since .*seeds\.init: None -> 7.*put it back"):
        evaluate(run)


def test_a_comparison_says_which_sources_its_spread_leaves_out(tmp_path: Path) -> None:
    held: dict[str, Any] = {"settings": {"seeds": {"order": 0}}}
    runs = [write_run(tmp_path, "held", seed, **held) for seed in range(2)]
    (said,) = (text for text in compare_runs(runs).cautions if "leaves" in text)
    assert said == "The spread of held leaves order out, which `seeds` holds over its seeds."
    mixed = [write_run(tmp_path, "mixed", 0, **held), write_run(tmp_path, "mixed", 1)]
    cautions = compare_runs(mixed).cautions
    assert "The seeds of mixed differ in seeds.order." in cautions
    assert not any("leaves" in text for text in cautions)


def test_seeds_that_would_all_be_one_run_are_refused(tmp_path: Path) -> None:
    held = ["seeds.init=0", "seeds.order=0", "seeds.augment=0"]
    with pytest.raises(InputError, match=r"resnet20: `seeds` holds init, order and augment, so 3 seeds"):
        plan_comparison(ComparisonRequest(["resnet20"], overrides=held, seeds=3, runs=tmp_path))
    assert (
        len(plan_comparison(ComparisonRequest(["resnet20"], overrides=held[:2], seeds=3, runs=tmp_path))) == 3
    )
    assert len(plan_comparison(ComparisonRequest(["resnet20"], overrides=held, runs=tmp_path))) == 1


def test_networks_that_are_drawn_for_a_study_differ_where_the_first_weights_are_held(tmp_path: Path) -> None:
    (target,) = find_targets(["resnet20"], tmp_path, overrides=["seeds.init=5"], seeds=3)
    assert [each.seed_of("init") for each in target.configs] == [5, 6, 7]


def test_the_seeds_are_said_aloud(tmp_path: Path) -> None:
    with tiny_dataset():
        assert prepare(config(2)).description.endswith("; seed 2")
        assert prepare(config(2, order=0, split=1)).description.endswith("; seed 2, order 0, split 1")
    assert Run.of(tmp_path, config(2, order=0)).path.name == "seed-2"

"""The loop: what it learns, logs and keeps; and that a run continued anywhere ends with the same bits."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from skiprun.errors import CheckpointError, Diverged, Stopped
from skiprun.training import schedule
from skiprun.training import trainer as trainer_module
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from tests.support.compare import assert_same, timeless, untimed
from tests.support.tiny import tiny_config, tiny_trainer

VARIANTS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adamw": {"optim": {"name": "adamw", "lr": 0.01}},
    "adam": {"optim": {"name": "adam", "lr": 0.01}},
    "rmsprop": {"optim": {"name": "rmsprop", "lr": 0.001}},
    "muon": {"optim": {"name": "muon", "lr": 0.01, "nesterov": True, "ema": 0.9, "clip_norm": 1.0}},
    "nesterov": {"optim": {"nesterov": True, "decay": "weights"}},
    "ema": {"optim": {"ema": 0.9}},
    "accumulate": {"optim": {"accumulate": 2, "clip_value": 0.1}},
    "warmup": {"schedule": {"epochs": 3, "warmup": 1}},
    "one cycle": {"schedule": {"kind": "one_cycle", "epochs": 3}},
    "wsd": {"schedule": {"kind": "wsd", "epochs": 3, "warmup": 1, "decay_share": 0.5}},
    "multistep": {"schedule": {"kind": "multistep", "steps": 12, "milestones": [4, 8]}},
}


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return metrics.jsonl without what a clock measured."""
    return [timeless(json.loads(line)) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def assert_same_run(one: Path, other: Path) -> None:
    assert lines(one) == lines(other)
    for name in ("last.pt", "best.pt"):
        assert_same(untimed(load(one / name)), untimed(load(other / name)), name)


class StopAt:
    """Asks for a stop after some steps, as a signal would."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self) -> int | None:
        self.left -= 1
        return 15 if self.left == 0 else None


def test_learns_what_can_be_learned(tmp_path: Path) -> None:
    test = tiny_trainer(tmp_path, tiny_config(schedule={"epochs": 15})).fit()
    assert test["error"] < 30  # chance is 75
    losses = [record["train/epoch_loss"] for record in lines(tmp_path) if record.get("epoch_end")]
    assert losses[-1] < 0.7 * losses[0]


def test_same_seed_same_bits_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        tiny_trainer(tmp_path / name, tiny_config(seed=seed)).fit()
    assert_same_run(tmp_path / "a", tmp_path / "b")
    assert lines(tmp_path / "a") != lines(tmp_path / "c")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_run_stopped_at_a_step_and_continued_ends_with_the_same_bits(
    tmp_path: Path, variant: str, step: int
) -> None:
    config = tiny_config(**VARIANTS[variant])
    tiny_trainer(tmp_path / "whole", config).fit()
    with pytest.raises(Stopped) as stopped:
        tiny_trainer(tmp_path / "parts", config, stop_signal=StopAt(step)).fit()
    assert stopped.value.exit_code == 143
    continued = tiny_trainer(tmp_path / "parts", config)
    assert continued.step == step
    continued.fit()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.parametrize("step", range(1, 13))
def test_a_run_that_dies_at_any_step_ends_with_the_same_bits(tmp_path: Path, step: int) -> None:
    class Death(BaseException):
        """What no handler in the product catches."""

    def die(at: int, of: int) -> None:
        if at == step:
            raise Death

    config = tiny_config()
    tiny_trainer(tmp_path / "whole", config).fit()
    dying = tiny_trainer(tmp_path / "parts", config)
    dying.surroundings.progress.step = die  # type: ignore[method-assign, assignment]
    with pytest.raises(Death):
        dying.fit()
    tiny_trainer(tmp_path / "parts", config).fit()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_negative_control_a_global_random_order_does_not_continue_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "seed_step", lambda seed, step: None)
    config = tiny_config()
    tiny_trainer(tmp_path / "whole", config).fit()
    with pytest.raises(Stopped):
        tiny_trainer(tmp_path / "parts", config, stop_signal=StopAt(5)).fit()
    tiny_trainer(tmp_path / "parts", config).fit()
    assert lines(tmp_path / "whole") != lines(tmp_path / "parts")


def test_a_finished_run_started_again_trains_nothing(tmp_path: Path) -> None:
    first = tiny_trainer(tmp_path, tiny_config()).fit()
    again = tiny_trainer(tmp_path, tiny_config())
    assert again.step == again.steps
    assert again.fit() == first


def test_rows_have_the_promised_tags(tmp_path: Path) -> None:
    tiny_trainer(tmp_path, tiny_config()).fit()
    rows = [record for record in lines(tmp_path) if "grad/total" in record]
    assert [row["step"] for row in rows] == [1, 2, 4, 6, 8, 10, 12]
    layers = [tag for tag in rows[0] if tag.startswith("grad_norm/")]
    assert layers[0] == "grad_norm/01.conv1"
    assert len(layers) == 8  # six convolutions in blocks, the stem, the classifier
    assert {"train/loss", "lr", "grad/first", "grad/last", "grad/first_over_last"} <= rows[0].keys()
    epochs = [record for record in lines(tmp_path) if record.get("epoch_end")]
    promised = {"train/epoch_loss", "train/error", "val/loss", "val/error", "grad/clipped_fraction"}
    assert all(promised <= epoch.keys() for epoch in epochs)
    assert {"test/loss", "test/error"} <= lines(tmp_path)[-1].keys()


def test_norms_are_those_of_the_whole_batch_before_the_clip(tmp_path: Path) -> None:
    for name, accumulate in (("one", 1), ("two", 2)):
        optim = {"clip_norm": 1e-3, "accumulate": accumulate}
        tiny_trainer(tmp_path / name, tiny_config(optim=optim)).fit()
    one, two = (lines(tmp_path / name)[0] for name in ("one", "two"))
    assert one["grad/total"] > 0.1  # far above the clip
    assert two["grad/total"] == pytest.approx(
        one["grad/total"], rel=0.5
    )  # other noise and batch statistics, same scale
    assert lines(tmp_path / "one")[-2]["grad/clipped_fraction"] == 1.0


def test_divergence_stops_with_the_step_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config())
    loss = trainer.task.loss
    monkeypatch.setattr(
        trainer.task, "loss", lambda *given: loss(*given) * (math.nan if trainer.step == 6 else 1)
    )
    with pytest.raises(Diverged) as caught:
        trainer.fit()
    assert caught.value.exit_code == 3
    assert f"step 7 (lr {trainer.config.optim.lr / 2:g})" in str(caught.value), (
        "half of the cosine has passed"
    )
    assert "checkpoint of step 4" in str(caught.value)
    assert load(tmp_path / "last.pt")["step"] == 4


def test_another_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Stopped):
        tiny_trainer(tmp_path, tiny_config(), stop_signal=StopAt(2)).fit()
    state = load(tmp_path / "last.pt")
    Checkpoints(tmp_path).save_last(state | {"data": "other"})
    with pytest.raises(CheckpointError, match="dataset has changed"):
        tiny_trainer(tmp_path, tiny_config())


def test_best_is_the_best_epoch_and_what_is_tested(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(schedule={"epochs": 6}))
    trainer.fit()
    scores = [
        (record["val/error"], record["val/loss"]) for record in lines(tmp_path) if record.get("epoch_end")
    ]
    assert load(tmp_path / "best.pt")["epoch"] == scores.index(min(scores)) + 1


def test_shortcuts_fade_with_the_epoch_of_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strengths: list[float] = []
    monkeypatch.setattr(schedule, "set_skip_strength", lambda model, strength: strengths.append(strength))
    fading = {"from": 1.0, "to": 0.0, "epochs": [0.0, 3.0]}
    config = tiny_config(model={"name": "resnet_cifar", "depth": 8, "width": 4, "skip_schedule": fading})
    tiny_trainer(tmp_path, config).fit()
    assert strengths[:12] == pytest.approx([1 - step / 12 for step in range(12)])


def test_data_that_is_read_ahead_is_told_what_comes(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(schedule={"steps": 6}))
    begun: list[list[int]] = []
    trainer.data.reads_ahead = True  # type: ignore[misc]
    trainer.data.prefetch = lambda index: begun.append(index.tolist())  # type: ignore[method-assign]
    trainer.fit()
    assert begun == [trainer.sampler.batch(step).tolist() for step in range(2, 6)]

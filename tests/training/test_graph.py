"""A captured step trains as the step itself does; what cannot be captured is not missed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from skiprun.training.acceleration import graph
from skiprun.training.acceleration.graph import WARM_UP, StepGraph
from skiprun.training.acceleration.graph_trial import Trial
from skiprun.training.step_state import StepState
from skiprun.training.trainer import Trainer
from tests.support.tiny import tiny_config, tiny_trainer
from tests.training.test_trainer import assert_same_run, lines

CPU = torch.device("cpu")
TRIED = 1  # launches of the trial
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "accumulate": {"accumulate": 2},
    "average": {"ema": 0.9},
    "clip each value": {"clip_norm": None, "clip_value": 0.01},
    "adamw": {"name": "adamw", "lr": 0.01},
    "rmsprop": {"name": "rmsprop", "lr": 0.001},
    "muon": {"name": "muon", "lr": 0.01},
    "smooth labels": {"label_smoothing": 0.1},
}


class Recorded:
    """What stands for a graph on a CPU: launched, it makes the step from the places of its inputs."""

    def __init__(self, step: Callable[..., Tensor], inputs: Sequence[Tensor], stream: None) -> None:
        self.step, self.inputs, self.launches = step, inputs, 0

    def launch(self) -> Tensor:
        self.launches += 1
        return self.step(*self.inputs)


def captured_trainer(folder: Path, **sections: Any) -> Trainer:
    trainer = tiny_trainer(folder, tiny_config(**sections))
    state = StepState(CPU, trainer.model, trainer.optimizer, trainer.totals, trainer.ema_model)
    trainer.graph = StepGraph(CPU, Trial(state, timed=False))
    return trainer


@pytest.mark.parametrize("optim", VARIANTS.values(), ids=VARIANTS)
def test_launched_steps_train_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, optim: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(graph, "CapturedStep", Recorded)
    trainer = captured_trainer(tmp_path / "captured", optim=optim)
    trainer.fit()
    tiny_trainer(tmp_path / "eager", tiny_config(optim=optim)).fit()
    assert_same_run(tmp_path / "captured", tmp_path / "eager")
    captured: Any = getattr(trainer.graph, "captured", None)
    assert captured and captured.launches == trainer.steps - WARM_UP + TRIED
    assert not caplog.messages


def test_a_step_that_cannot_be_captured_costs_one_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(step: Callable[..., Tensor], inputs: Sequence[Tensor], stream: None) -> None:
        for parameter in trainer.trainable:
            parameter.grad = torch.full_like(parameter, torch.nan)  # what a capture that broke off leaves
        raise RuntimeError("operation not permitted when stream is capturing\nmore for developers")

    monkeypatch.setattr(graph, "CapturedStep", refuse)
    trainer = captured_trainer(tmp_path / "refused")
    trainer.fit()
    tiny_trainer(tmp_path / "eager", tiny_config()).fit()
    assert_same_run(tmp_path / "refused", tmp_path / "eager")
    assert caplog.messages == [
        "The step cannot be captured, so the run goes on without: "
        "operation not permitted when stream is capturing"
    ]


def test_a_gpu_makes_steps_on_a_stream_of_their_own_after_what_was_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    happened: list[str] = []

    class Stream:
        def __init__(self, name: str) -> None:
            self.name = name

        def wait_stream(self, other: Stream) -> None:
            happened.append(f"{self.name} waits for {other.name}")

    @contextlib.contextmanager
    def on(stream: Stream) -> Iterator[None]:
        happened.append(f"on {stream.name}")
        yield

    def step() -> Tensor:
        happened.append("step")
        return torch.zeros(())

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream("aside"))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Stream("usual"))
    monkeypatch.setattr(torch.cuda, "stream", on)
    StepGraph(torch.device("cuda"))(step)
    assert happened == ["aside waits for usual", "on aside", "step", "usual waits for aside"]
    StepGraph(CPU)(step)
    assert happened[4:] == ["step"]


@pytest.mark.parametrize("asked", ["auto", True, False])
def test_a_cpu_needs_no_graph_which_is_said_where_one_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, asked: bool | str
) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(compute={"device": "cpu", "cuda_graph": asked}))
    assert trainer.graph is None
    said = ["compute.cuda_graph: true is not used; it is for a GPU."] if asked is True else []
    assert caplog.messages == said


@pytest.mark.gpu
@pytest.mark.parametrize("optim", VARIANTS.values(), ids=VARIANTS)
def test_a_captured_run_on_a_gpu_computes_what_an_eager_one_does(
    tmp_path: Path, optim: dict[str, Any]
) -> None:
    for name, captured in (("captured", True), ("eager", False)):
        config = tiny_config(
            optim=optim, compute={"device": "cuda", "cuda_graph": captured, "deterministic": True}
        )
        trainer = tiny_trainer(tmp_path / name, config)
        trainer.fit()
        assert bool(trainer.graph and trainer.graph.choice) == captured
    for one, other in zip(lines(tmp_path / "captured"), lines(tmp_path / "eager"), strict=True):
        assert one.get("train/loss") == pytest.approx(other.get("train/loss"), rel=1e-3)

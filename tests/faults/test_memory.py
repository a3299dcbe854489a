"""Memory: evaluation takes no more than a training step; an error says where it ran out and what helps."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from skiprun.cli.app import app, unforeseen
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.data import Loaders
from skiprun.data.contract import ALL
from skiprun.errors import ConfigError, InputError, OutOfMemory, Stopped, explain_out_of_memory
from skiprun.experiment import evaluate, predict, train
from skiprun.experiment.doctor import examine
from skiprun.experiment.prepare import prepare
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.inference.evaluate import evaluation_batch_size
from skiprun.models import Cost, build_model, cost
from skiprun.models.complexity.meta import without_content
from skiprun.run import Run
from tests.faults.test_checkpoints import content
from tests.support.faulty import SignalAfterStep
from tests.support.tiny import tiny_config, tiny_trainer


def config_of(**sections: Any) -> RunConfig:
    plain = {
        "name": "small",
        "model": {"name": "resnet20", "width": 4},
        "data": {"name": "digits", "batch_size": 8},
        "schedule": {"steps": 3},
        "compute": {"precision": "fp32", "compile": "off"},
        "log": {"tensorboard": False},
    }
    return build_config(plain | sections)


def counted(name: str, shape: tuple[int, int, int]) -> Cost:
    with without_content():
        model = build_model(name, 10, shape[0])
    return cost(model, shape)


def batch_of(name: str, shape: tuple[int, int, int], batch_size: int, **sections: Any) -> int:
    config = config_of(data={"name": "digits", "batch_size": batch_size}, **sections)
    return evaluation_batch_size(config, counted(name, shape))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("resnet18", (3, 160, 160)),
        ("vgg16", (3, 64, 64)),
        ("densenet40_12", (3, 32, 32)),
        ("unet", (3, 64, 64)),
    ],
)
def test_b48_evaluation_holds_no_more_than_a_training_step(name: str, shape: tuple[int, int, int]) -> None:
    """What a pass holds without gradients is at most what four of its largest layers give."""
    size = counted(name, shape)
    for batch_size in (1, 4, 32):
        most = batch_of(name, shape, batch_size)
        assert batch_size <= most <= 8 * batch_size
        assert 4 * most * size.largest_bytes <= max(
            batch_size * size.activation_bytes, 4 * batch_size * size.largest_bytes
        )


def test_micro_batches_and_recomputed_blocks_bound_it_too() -> None:
    shape = (3, 32, 32)
    assert batch_of("resnet20", shape, 32, optim={"accumulate": 8}) == batch_of("resnet20", shape, 4)
    assert batch_of("resnet20", shape, 4, compute={"activation_checkpointing": True}) == 4


def test_small_networks_are_evaluated_five_hundred_at_a_time_at_most() -> None:
    assert batch_of("resnet20", (1, 8, 8), 64) > 360  # the test split of the digits
    assert batch_of("resnet20", (1, 8, 8), 1024) == 500


@pytest.mark.parametrize(
    ("name", "shape", "batch_size", "most"),
    [
        ("resnet20", (1, 8, 8), 1024, 2000),  # small images
        ("resnet56", (3, 32, 32), 128, 2000),
        ("resnet18", (3, 160, 160), 1024, 500),  # large ones, of which 2,000 would hold more than 1 GiB
        ("resnet18", (3, 160, 160), 8, None),  # no more than a training step holds
    ],
)
def test_a_gpu_evaluates_more_small_images_at_once(
    name: str, shape: tuple[int, int, int], batch_size: int, most: int | None
) -> None:
    config, size = config_of(data={"name": "digits", "batch_size": batch_size}), counted(name, shape)
    found = evaluation_batch_size(config, size, on_gpu=True)
    assert found == (most or evaluation_batch_size(config, size))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the batches that are asked for."""
    sizes: list[int] = []
    batches = Loaders.batches

    def note(loaders: Loaders, split: str, batch_size: int, which: slice = ALL) -> Any:
        sizes.append(batch_size)
        return batches(loaders, split, batch_size, which)

    monkeypatch.setattr(Loaders, "batches", note)
    return sizes


def test_b48_training_evaluation_and_studies_keep_to_it(tmp_path: Path, asked: list[int]) -> None:
    config = config_of(data={"name": "digits", "batch_size": 2})
    run = train(config, runs=tmp_path)
    bound = prepare(config).evaluation_batch_size
    assert bound < 20
    assert asked == [bound, bound]  # validation and test
    evaluate(run)
    assert asked[2:] == [bound]
    scored = StudyInputs(StudyTarget("small", (config,), (run,)), SampleSelection()).source.scored(
        "test", None
    )
    assert max(len(images) for images, _ in scored) == bound


def no_memory(*_: Any, **__: Any) -> Any:
    """Ask for more than any machine has."""
    return torch.empty(1 << 60)


def test_b48b_validation_says_so_and_what_helps_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.training.evaluation.evaluate_batches", no_memory)
    config = config_of()
    with pytest.raises(OutOfMemory) as caught:
        train(config, runs=tmp_path)
    assert str(caught.value) == (
        "Out of memory in the evaluation of the val split, 47 images at a time. Free some, and the same "
        "command continues. Try --fresh with --set data.batch_size=4, or with a larger optim.accumulate. "
        "Training stopped at step 3; no checkpoint is there."
    )
    assert Run.of(tmp_path, config).state == "failed"


def test_b48b_a_step_of_one_image_is_not_told_to_take_fewer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(optim={"accumulate": 16}))
    monkeypatch.setattr(trainer, "train_step", no_memory)
    with pytest.raises(
        OutOfMemory, match=r"in a training step of 1 image\. Try --fresh with a smaller data\.image_size"
    ):
        trainer.fit()


def test_b48b_what_is_advised_still_divides_into_micro_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = tiny_trainer(
        tmp_path, tiny_config(data={"name": "digits", "batch_size": 12}, optim={"accumulate": 4})
    )
    monkeypatch.setattr(trainer, "train_step", no_memory)
    with pytest.raises(OutOfMemory, match=r"in a training step of 3 images\. .* data\.batch_size=4,"):
        trainer.fit()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "build_from_config",
            "Out of memory while the network is built. Try a smaller model.width or model.depth, "
            "or fewer classes.",
        ),
        ("load_data", "Out of memory while the data is read. Try a smaller data.image_size."),
    ],
)
def test_building_and_reading_say_so(target: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("skiprun.experiment.prepare"), target, no_memory)
    with pytest.raises(OutOfMemory) as caught:
        prepare(config_of())
    assert str(caught.value) == words


def test_moving_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Module, "to", no_memory)
    with pytest.raises(
        OutOfMemory, match=r"^Out of memory while the network is moved to cpu\. Try a smaller model.width"
    ):
        train(config_of(), runs=tmp_path)


def no_room(*_: Any, **__: Any) -> Any:
    """Find another process on the GPU."""
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


@pytest.mark.parametrize(
    "place", ["skiprun.training.checkpoint_file.load_plain", "skiprun.training.trainer.load_optimizer"]
)
def test_a_checkpoint_is_not_damaged_where_there_is_no_memory_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    config = config_of(schedule={"steps": 4})
    with contextlib.suppress(Stopped):
        train(config, runs=tmp_path, progress=SignalAfterStep(2, signal.SIGTERM))
    folder = Run.of(tmp_path, config).checkpoints
    before = content(folder)
    with monkeypatch.context() as patch, pytest.raises(OutOfMemory) as caught:
        patch.setattr(place, no_room)
        train(config, runs=tmp_path)
    words = "Out of memory while the last checkpoint is read. Free some, and the same command continues."
    assert str(caught.value) == words
    assert before and content(folder) == before
    assert train(config, runs=tmp_path).state == "finished"


def test_predicting_says_of_which_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, file = train(config_of(), runs=tmp_path), tmp_path / "seven.png"
    Image.new("L", (8, 8)).save(file)
    monkeypatch.setattr("skiprun.models.families.resnet_cifar.CifarResNet.forward", no_memory)
    with pytest.raises(OutOfMemory) as caught:
        list(predict(run, [file]))
    assert str(caught.value) == f"Out of memory while {file} was labelled. Free some."


@pytest.mark.parametrize("width", [1_000_000, 1_000_000_000])
def test_a_network_beyond_this_machine_is_refused_before_anything_is_allocated(width: int) -> None:
    with pytest.raises(OutOfMemory, match=r"model\.width or model\.depth"):
        prepare(config_of(model={"name": "resnet_cifar", "depth": 20, "width": width}))


def test_a_network_beyond_this_machine_names_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skiprun.models.build.memory_bytes", lambda: 1_000_000)
    with pytest.raises(
        OutOfMemory, match=r"unet would have \d+ GB of weights, and this machine has 0 GB of memory"
    ):
        prepare(config_of(model={"name": "unet", "width": 128}, data={"name": "cells"}))


def test_a_depth_beyond_reason_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"model\.depth: found 1000000000; up to 10,000 layers are allowed"):
        config_of(model={"name": "resnet_cifar", "depth": 10**9})


def test_threads_beyond_the_cores_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    refusal = rf"threads: found 1024, and this machine has {os.cpu_count()} cores; give no more"
    with pytest.raises(InputError, match=refusal):
        train(config_of(compute={"threads": 1024}), runs=tmp_path)
    assert not list(tmp_path.iterdir())
    (found,) = [
        check for check in examine(config_of(compute={"threads": 1024}), tmp_path) if check.state == "fail"
    ]
    assert found.name == "data and network" and found.exit_code == 2
    train(config_of(compute={"threads": os.cpu_count()}), runs=tmp_path)


@pytest.mark.parametrize("key", ["mixup", "cutmix"])
@pytest.mark.parametrize("alpha", [1e-300, 0.001, 1e38])
def test_alphas_that_float32_cannot_draw_are_refused(key: str, alpha: float) -> None:
    with pytest.raises(ConfigError, match=rf"{key}: found .*; 0 is off, and from 0\.01 to 1000 is allowed"):
        config_of(data={"name": "digits", "augment": {key: alpha}})


def test_the_smallest_alpha_allowed_draws_what_it_says() -> None:
    """Beta(a, a) has the standard deviation 1 / (2 sqrt(2 a + 1))."""
    torch.manual_seed(0)
    for alpha in (0.01, 1000.0):
        drawn = torch.distributions.Beta(torch.tensor(alpha), torch.tensor(alpha)).sample((20_000,))
        assert drawn.std().item() == pytest.approx(0.5 / (2 * alpha + 1) ** 0.5, rel=0.03)
        assert config_of(data={"name": "digits", "augment": {"mixup": alpha}}).data.augment.mixup == alpha


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_every_word_for_it_is_known_and_others_pass(error: Exception) -> None:
    with pytest.raises(OutOfMemory, match=r"here\. Do that\."), explain_out_of_memory("here", "Do that."):
        raise error
    assert unforeseen(error).startswith("Out of memory.")
    with pytest.raises(RuntimeError, match="shapes"), explain_out_of_memory("here", "Do that."):
        raise RuntimeError("shapes do not fit")


def test_the_command_line_ends_with_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "c.yaml").write_text(
        "model: {name: resnet_cifar, depth: 20, width: 1000000000}\ndata: {name: digits}\n"
    )
    monkeypatch.chdir(tmp_path)
    found = CliRunner().invoke(app, ["train", "c.yaml", "--set", "schedule.steps=2"])
    assert isinstance(found.exception, OutOfMemory)
    assert found.exception.exit_code == 1

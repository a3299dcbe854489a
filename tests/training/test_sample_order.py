"""The order of samples in shards: a permutation of each epoch, near in the shards, a function of the step."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch

from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import Stopped
from skiprun.experiment import train
from skiprun.training.sample_order import BatchSampler, Windowed
from tests.support.data_files import image_shards
from tests.support.faulty import SignalAfterStep, assert_same_runs

CPU = torch.device("cpu")
RUNS = [5, 3, 8, 1, 4, 7, 2]


@pytest.mark.parametrize("window", [1, 6, 12, 1000])
def test_each_epoch_is_a_permutation_and_a_part_of_it_does_not_depend_on_where_parts_begin(
    window: int,
) -> None:
    order = Windowed(3, RUNS, CPU, window)
    epochs = [order.part(epoch, 0, 30).tolist() for epoch in range(3)]
    assert all(sorted(each) == list(range(30)) for each in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    again = Windowed(3, RUNS, CPU, window)
    for start in (29, 7, 0, 13):
        assert again.part(1, start, 11).tolist() == epochs[1][start : start + 11]
    assert Windowed(4, RUNS, CPU, window).part(0, 0, 30).tolist() != epochs[0]


def test_a_window_has_few_shards_and_mixes_all_of_their_samples() -> None:
    order = Windowed(0, [100] * 50, CPU, window=1000)
    shards = order.part(0, 0, 5000) // 100
    for window in shards.view(5, 1000):
        assert len(window.unique()) == 10, "ten shards of a hundred fill a window"
        assert (window[:100].bincount(minlength=50) > 0).sum() > 6
    assert shards.view(5, 1000)[0].unique().tolist() != list(range(10)), "the shards are in no order"


def test_batches_go_on_over_windows_and_epochs_and_are_a_function_of_the_step() -> None:
    forwards = [BatchSampler(1, 30, 8, CPU, RUNS).batch(step).tolist() for step in range(15)]
    sampler = BatchSampler(1, 30, 8, CPU, RUNS)
    assert [sampler.batch(step).tolist() for step in reversed(range(15))] == forwards[::-1]
    flat = [sample for batch in forwards for sample in batch]
    assert [sorted(flat[start : start + 30]) for start in range(0, 120, 30)] == [list(range(30))] * 4


def stream_config(root: Path) -> RunConfig:
    return build_config(
        {
            "name": "streamed",
            "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
            "data": {
                "name": "webdataset",
                "root": str(root),
                "batch_size": 8,
                "augment": {"random_resized_crop": {}, "flip": True},
            },
            "schedule": {"steps": 14},
            "compute": {"device": "cpu", "precision": "fp32", "threads": 1},
            "log": {"tensorboard": False, "every": 1},
        }
    )


def test_a_run_on_shards_that_was_stopped_in_the_middle_ends_with_the_same_bits(tmp_path: Path) -> None:
    config = stream_config(image_shards(tmp_path, counts=[("train", 30), ("test", 4)]))
    train(config, runs=tmp_path / "whole")
    for stop in (3, 8):
        with pytest.raises(Stopped):
            train(config, runs=tmp_path / "stopped", progress=SignalAfterStep(stop, signal.SIGTERM))
    train(config, runs=tmp_path / "stopped")
    assert_same_runs(tmp_path / "whole", tmp_path / "stopped", config)

"""A training process that has its share of a machine with several GPUs."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue
from typing import Any
from unittest import mock

from skiprun.config import RunConfig
from skiprun.experiment.gpus import GPU
from skiprun.experiment.shares import Share
from skiprun.experiment.work import list_work
from skiprun.experiment.worker import train_here
from skiprun.experiment.worker_events import WorkerProgress
from skiprun.run import Run
from skiprun.system.machine import cores
from skiprun.training.device import choose_device
from tests.gpu.cases import CASES, config_of
from tests.support.simulated_gpu.machine import SimulatedMachine


def train_in_share(config: RunConfig, runs: Path) -> tuple[Any, ...]:
    """Train where a worker would; return its failure, what it told first, its session, and what it needs."""
    (work,) = list_work({"one": config}, runs, choose_device, None)
    share = Share(cores(), GPU("3", 70 << 30, 80 << 30), place="GPU 3")
    events: Any = SimpleQueue()
    with (
        mock.patch.dict("os.environ"),
        mock.patch.dict("skiprun.data.residence.planned"),  # of a process that other tests use too
        mock.patch.multiple(WorkerProgress, create=True, events=events, share=share),
    ):
        share.enter()
        failure = train_here({work.label: config.to_dict()}, runs, work.need)
    return failure, events.get(), Run.of(runs, config).sessions()[-1], work.need


def test_a_run_of_a_share_is_on_its_gpu_and_says_so(machine: SimulatedMachine, tmp_path: Path) -> None:
    config = config_of(CASES["resnet20 bf16"], "cuda")
    failure, told, session, need = machine(train_in_share, config, tmp_path).result
    assert failure is None and told == ("one", "located", "GPU 3")
    assert (session["gpu"]["visible"], session["device"]) == ("3", "Simulated GPU, bf16")
    assert 0.6e9 < need.on(70 << 30) < 2e9

"""Which run gets which GPU and which cores, and how many fit; the GPUs are made up, the processes are not."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from skiprun.data import Loaders
from skiprun.errors import InputError, OutOfMemory, SkiprunError
from skiprun.experiment import (
    ComparisonRequest,
    Launcher,
    here,
    plan_comparison,
    survey,
    train_missing,
    worker,
    worker_events,
)
from skiprun.experiment.gpus import GPU, runs_side_by_side, visible_entries
from skiprun.experiment.shares import Share, shares_of_cores, shares_of_gpus
from skiprun.experiment.side_by_side import combine
from skiprun.experiment.work import Need, Work, need_of, rehearse
from skiprun.system.progress import NullProgress
from skiprun.training.device import DeviceSetup, choose_device
from skiprun.training.gpu import VISIBLE_GPUS
from tests.support import fake_gpus
from tests.support.fake_gpus import GB
from tests.support.tiny import tiny_config

SMALL = ["model.width=4", "log.tensorboard=false"]
UUIDS = ["GPU-8932f937-d72c-4106-c12f-20bd9faed9f6", "GPU-0a1b2c3d-d72c-4106-c12f-20bd9faed9f6"]
PARTS = ["MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb"]


def gpu(entry: str = "0", free: float = 78) -> GPU:
    """Return a GPU with so many GB free."""
    return GPU(entry, round(free * GB), 80 * GB)


def works(count: int, gigabytes: float = 10, dataset: float = 0) -> list[Work]:
    """Return runs that take so many GB each."""
    need = Need(round(dataset * GB), round(gigabytes * GB))
    return [Work(f"run {number}", tiny_config(), 1, need) for number in range(count)]


def entries(shares: Sequence[Share]) -> list[str]:
    """Return the GPUs of shares."""
    return [share.gpu.entry for share in shares if share.gpu]


def of_precision(precision: str) -> Any:
    """Return what puts every run on a GPU."""
    return lambda config: DeviceSetup(torch.device("cuda"), precision)


@pytest.mark.parametrize(
    ("probes", "precision", "times"),
    [([], "fp32", 1.0), (["grad_norm"], "bf16", 0.6), (["activations"], "bf16", 1.2), ([], "tf32", 1.0)],
)
def test_a_run_needs_context_parameters_and_activations(
    probes: list[str], precision: str, times: float
) -> None:
    config = tiny_config(probes=probes, optim={"accumulate": 2})
    parts = rehearse(config, of_precision(precision))
    need = need_of(parts)
    activations = times * parts.cost.activation_bytes * 8  # images at once
    assert need.rest == pytest.approx(0.6e9 + 16 * parts.cost.parameters + activations, abs=1)
    assert need.dataset == 1797 * (8 * 8 + 8)


def test_a_dataset_that_fills_over_half_of_what_is_free_stays_where_it_is() -> None:
    need = Need(30 * GB, 2 * GB)
    assert (need.on(80 * GB), need.on(59 * GB)) == (32 * GB, 2 * GB)


def test_rehearsing_leaves_the_gpu_alone_and_refuses_what_a_gpu_cannot() -> None:
    """On this build of torch every use of a GPU is an error."""
    parts = rehearse(tiny_config(), of_precision("bf16"))
    assert (parts.loaders.device.type, parts.setup.device.type) == ("cpu", "cuda")
    with pytest.raises(InputError, match="found fused, which is for CPUs"):
        rehearse(tiny_config(compute={"compile": "fused"}), of_precision("bf16"))


@pytest.mark.parametrize(
    ("given", "count", "names"),
    [
        (None, 2, ["0", "1"]),
        ("2, 3", 2, ["2", "3"]),
        ("1,-1,0", 1, ["1"]),
        ("0,0", 0, []),
        ("", 0, []),
        ("-1", 0, []),
        (",".join(UUIDS), 2, UUIDS),
        (",".join(PARTS), 1, PARTS),
        (",".join(PARTS), 0, []),
    ],
)
def test_gpus_are_called_what_the_user_calls_them(
    given: str | None, count: int, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VISIBLE_GPUS, raising=False)
    if given is not None:
        monkeypatch.setenv(VISIBLE_GPUS, given)
    assert visible_entries(count) == names


@pytest.mark.parametrize(
    ("entry", "title"), [("3", "GPU 3"), (UUIDS[0], "GPU-8932f937"), (PARTS[0], "MIG-c6d4f1ef")]
)
def test_a_gpu_has_a_short_title(entry: str, title: str) -> None:
    assert gpu(entry).title == title


EIGHT = [gpu(str(number)) for number in range(8)]


@pytest.mark.parametrize(
    ("gpus", "runs", "jobs", "side_by_side", "taken"),
    [
        (EIGHT, 12, None, False, "01234567"),
        (EIGHT, 3, None, False, "012"),
        (EIGHT, 20, None, True, "0123456701234567"),  # 16 cores
        (EIGHT[:2], 20, None, True, "01010101"),
        (EIGHT, 12, 8, False, "01234567"),
        (EIGHT[:3], 12, 7, False, "0120120"),
        (EIGHT[:1], 12, None, False, "0"),
        ([gpu("0", 25), gpu("1", 45), gpu("2", 5)], 12, 12, False, "010111"),
        ([gpu("0", 5), gpu("1", 78)], 12, None, False, "1"),
        ([gpu("0", 5), gpu("1", 8)], 12, 4, False, "1"),
    ],
)
def test_gpus_take_turns_as_far_as_their_memory_goes(
    gpus: list[GPU], runs: int, jobs: int | None, side_by_side: bool, taken: str
) -> None:
    shares = shares_of_gpus(gpus, range(16), works(runs), jobs, side_by_side)
    assert "".join(entries(shares)) == taken
    assert [share.runs for share in shares] == [taken.count(entry) for entry in taken]
    assert {share.place != "" for share in shares} == {len(gpus) > 1}
    assert sorted(core for share in shares for core in share.cores) == list(range(16))


@pytest.mark.parametrize(
    ("free", "jobs", "says"),
    [
        (78, 8, ["A run takes about 30.0 GB of a GPU, and free are 78.0 GB of GPU 0: 2 at a time, not 8."]),
        (
            8,
            None,
            ["A run takes about 30.0 GB of a GPU, and free are 8.0 GB of GPU 0: one is tried at a time."],
        ),
        (78, 2, []),
        (78, None, []),
    ],
)
def test_what_memory_does_not_allow_is_said_with_numbers(
    free: float, jobs: int | None, says: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "skiprun")
    shares_of_gpus([gpu(free=free)], range(16), works(9, 30), jobs, side_by_side=False)
    assert caplog.messages == says


def test_more_runs_than_cores_have_all_cores_together() -> None:
    assert shares_of_cores([0, 1, 2, 3], 2) == [Share([0, 2]), Share([1, 3])]
    assert shares_of_cores([0, 1], 3) == [Share([0, 1])] * 3


@pytest.mark.parametrize("running", [True, False])
def test_the_multi_process_service_is_found_by_its_pipe(
    running: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_MPS_PIPE_DIRECTORY", str(tmp_path))
    if running:
        os.mkfifo(tmp_path / "control")
    assert runs_side_by_side() == running


def compared(folder: Path, *names: str, jobs: int | None = None, **options: Any) -> list[dict[str, Any]]:
    """Compare architectures on GPUs that are made up; return what the training processes saw."""
    planned = plan_comparison(ComparisonRequest(list(names), overrides=SMALL, runs=folder / "runs"))
    train_missing(planned, folder / "runs", Launcher(jobs, **options))
    return fake_gpus.reports(folder / "runs")


@pytest.mark.parametrize(
    ("given", "seen"), [(None, {"0", "1"}), ("5,3", {"5", "3"}), (",".join(UUIDS), set(UUIDS))]
)
def test_each_process_sees_one_gpu_and_keeps_it_for_its_next_run(
    given: str | None, seen: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_gpus.plant(monkeypatch)
    monkeypatch.delenv(VISIBLE_GPUS, raising=False)
    if given:
        monkeypatch.setenv(VISIBLE_GPUS, given)
    found = compared(tmp_path, "plain20", "resnet20", "plain32")
    assert len(found) == 3 and {each["gpu"] for each in found} == seen
    assert len({(each["process"], each["gpu"]) for each in found}) == 2
    assert not any(each["cuda_begun"] for each in found)
    assert {each["planned"] for each in found} == {70 * GB}
    assert os.environ.get(VISIBLE_GPUS) == given, "the first process sees what it saw"


def test_a_gpu_that_cannot_be_used_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fake_gpus.plant(monkeypatch)
    monkeypatch.setenv(VISIBLE_GPUS, "broken,4")
    found = compared(tmp_path, "plain20", "resnet20", jobs=2)
    assert {each["gpu"] for each in found} == {"4"}
    assert "Left out: GPU broken: CUDA error: unknown error" in caplog.messages
    with pytest.raises(SkiprunError, match="unknown error"):
        survey.usable([SkiprunError("GPU 0: CUDA error: unknown error")])


def test_the_first_process_asks_cuda_nothing_and_holds_no_data_while_others_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("is_available", "device_count", "init", "_lazy_init", "mem_get_info", "current_device"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, name=name: asked.append(name))
    fake_gpus.plant(monkeypatch)
    held: list[int] = []

    def count(*arguments: Any) -> None:
        held.append(sum(type(each) is Loaders for each in gc.get_objects()))
        in_parallel(*arguments)

    in_parallel = here.in_parallel
    monkeypatch.setattr(here, "in_parallel", count)
    gc.collect()
    assert len(compared(tmp_path, "plain20", "resnet20")) == 2
    assert (asked, held) == ([], [0])


def test_a_build_for_gpus_that_finds_none_trains_on_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other processes are asked, which this build of torch tells that there is none."""
    monkeypatch.setattr(survey, "is_gpu_build", lambda: True)
    places = survey.survey([tiny_config()])
    assert places.gpus == [] and places.choose(tiny_config()).device.type == "cpu"
    places = survey.survey([tiny_config(compute={"device": "cuda"})])
    with pytest.raises(InputError, match=r"compute\.device: found cuda, but torch .* is a build for CPUs"):
        places.choose(tiny_config())


def test_runs_on_the_cpu_ask_nobody_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "is_gpu_build", lambda: True)
    monkeypatch.setattr(survey, "in_fresh_processes", lambda *_: pytest.fail("a process was started"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("CUDA was asked"))
    places = survey.survey([tiny_config(compute={"device": "cpu"})])
    assert not places.gpus and places.choose is choose_device
    assert places.choose(tiny_config(compute={"device": "cpu"})).device.type == "cpu"


FREE = "70.0 of 80.0 GB were free before, and about 12.0 GB a run were foreseen."


def enter(share: Share, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Let this process be one that trains in a share; return the list of what it will tell."""
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(multiprocessing.current_process(), "name", "one that trains")
    monkeypatch.setattr(worker_events.WorkerProgress, "share", share, raising=False)
    monkeypatch.setattr(
        worker_events.WorkerProgress, "events", SimpleNamespace(put=told.append), raising=False
    )
    return told


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        (1, f"It had GPU 3 alone: {FREE}"),
        (3, f"It shared GPU 3 with 2 other runs: {FREE} Try fewer --jobs."),
    ],
)
def test_out_of_memory_is_told_with_the_numbers_of_the_share(
    runs: int, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_out(*_: object) -> None:
        raise OutOfMemory("Out of memory in a training step.")

    monkeypatch.setattr(worker, "train_work", run_out)
    enter(Share([0], gpu("3", 70), runs), monkeypatch)
    failure = worker.train_here({"plain20 seed 0": tiny_config().to_dict()}, tmp_path, Need(0, 12 * GB))
    assert str(failure) == f"plain20 seed 0: Out of memory in a training step. {says}"
    beside = {f"plain20 seed {seed}": tiny_config().to_dict() for seed in range(2)}
    said = says.replace("a run were", "for 2 runs were")
    assert str(worker.train_here(beside, tmp_path, Need(0, 12 * GB))).endswith(said)


@pytest.mark.parametrize(
    ("need", "told"), [(Need(0, GB), [("one", "located", "GPU 3")]), (None, [])], ids=["GPU", "CPU"]
)
def test_a_run_on_the_cpu_is_on_no_gpu_whatever_its_share(
    need: Need | None, told: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "train_work", lambda *_: None)
    heard = enter(Share([0], gpu("3"), place="GPU 3"), monkeypatch)
    assert worker.train_here({"one": tiny_config().to_dict()}, tmp_path, need) is None
    assert heard == told
    assert multiprocessing.current_process().name == ("one (GPU 3)" if need else "one")


class Located(NullProgress):
    """Progress that is told where its run is."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def located(self, place: str) -> None:
        self.places.append(place)


def test_progress_is_told_where_a_run_is_if_it_can_be() -> None:
    events: Any = SimpleQueue()
    told = Located()
    for event in (("one", "located", "GPU 1"), ("other", "located", "GPU 0"), None):
        events.put(event)
    worker_events.listen(events, {"one": told, "other": NullProgress()})
    assert told.places == ["GPU 1"]


def seeds_of(*names: str, count: int, gigabytes: float = 2, graph: bool | str = "auto") -> list[Work]:
    """Return seeds of experiments that take so many GB each, 0.6 of them once in a process."""
    need = Need(0, round(gigabytes * GB))
    return [
        Work(f"{name} {seed}", tiny_config(name=name, seed=seed, compute={"cuda_graph": graph}), 5, need)
        for name in names
        for seed in range(count)
    ]


@pytest.mark.parametrize(
    ("count", "gpus", "free", "jobs", "sizes"),
    [
        (8, 1, 78, None, [8]),
        (10, 1, 78, None, [8, 2]),
        (8, 2, 78, None, [4, 4]),
        (8, 8, 78, None, [1] * 8),
        (8, 1, 78, 1, [1] * 8),
        (8, 1, 78, 3, [3, 3, 2]),
        (8, 1, 6, None, [3, 3, 2]),  # of 2, 3.4, 4.8, 6.2 GB
    ],
)
def test_seeds_are_trained_side_by_side_where_they_fit(
    count: int, gpus: int, free: float, jobs: int | None, sizes: list[int]
) -> None:
    found = combine(seeds_of("a", count=count), [gpu(str(n), free) for n in range(gpus)], jobs)
    assert [len(work.configs) for work in found] == sizes
    assert [label for work in found for label in work.configs] == [f"a {seed}" for seed in range(count)]
    need = found[0].need
    assert need is not None and need.rest == pytest.approx(
        (2 * sizes[0] - 0.6 * (sizes[0] - 1)) * GB, rel=0.02
    )
    assert found[0].macs == 5 * sizes[0]


def test_only_seeds_of_one_experiment_share_a_graph() -> None:
    mixed = [
        work for pair in zip(seeds_of("a", count=2), seeds_of("b", count=2), strict=True) for work in pair
    ]
    assert [list(work.configs) for work in combine(mixed, [gpu()], None)] == [["a 0", "a 1"], ["b 0", "b 1"]]
    assert all(not work.beside for work in combine(seeds_of("a", count=3, graph=False), [gpu()], None))
    assert all(not work.beside for work in combine([Work("a", tiny_config(), 1, None)] * 2, [], None))

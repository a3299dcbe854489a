"""The crew of a Ray cluster: the same bits, whatever is killed; each cluster is apart from the network."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import loopback
from skiprun.cli.options import WithRay
from skiprun.errors import InputError
from skiprun.experiment.gpus import GPU
from skiprun.experiment.many import Launcher
from skiprun.experiment.on_ray.gpus import gpu_share
from skiprun.experiment.work import Need, Work
from skiprun.run import Run
from skiprun.system import own_cores
from tests.support.fake_gpus import GB
from tests.support.faulty import assert_same_runs
from tests.support.ray_programs import configs, train, trainer_of
from tests.support.tiny import tiny_config


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of four runs that were trained here."""
    if reason := loopback.why_not():
        pytest.skip(reason)
    runs = tmp_path_factory.mktemp("whole")
    train(runs, configs(4), None)
    return runs


def on_ray(program: str, *arguments: object) -> str:
    """Run a program of `ray_programs` and return what it printed last, and its warnings."""
    process = loopback.start(["-m", "tests.support.ray_programs", program, *map(str, arguments)])
    out, errors = process.communicate()
    assert process.returncode == 0, errors
    return out.splitlines()[-1]


@pytest.mark.slow
def test_a_comparison_on_ray_has_the_bits_of_one_here(whole: Path, tmp_path: Path) -> None:
    assert on_ray("kill_workers", tmp_path, 0, 4) == "returned 0"
    for config in configs(4):
        assert_same_runs(whole, tmp_path, config)


@pytest.mark.slow
def test_workers_that_are_killed_lose_nothing(whole: Path, tmp_path: Path) -> None:
    assert on_ray("kill_workers", tmp_path, 5, 4) == "returned 5"
    for config in configs(4):
        assert_same_runs(whole, tmp_path, config)
    assert sum(len(Run.of(tmp_path, config).sessions()) for config in configs(4)) > 4


@pytest.mark.slow
def test_a_node_that_is_removed_loses_nothing(whole: Path, tmp_path: Path) -> None:
    assert on_ray("remove_a_node", tmp_path) == "returned 1"
    for config in configs(2):
        assert_same_runs(whole, tmp_path, config)
    assert sorted(len(Run.of(tmp_path, each).sessions()) for each in configs(2)) == [1, 2]


@pytest.mark.slow
def test_a_lost_queue_costs_what_is_shown_alone(whole: Path, tmp_path: Path) -> None:
    assert on_ray("lose_the_queue", tmp_path) == "returned 2"
    for config in configs(2):
        assert_same_runs(whole, tmp_path, config)


@pytest.fixture
def comparing(tmp_path: Path) -> Any:
    """A comparison on an embedded Ray that has trained an epoch of two runs."""
    if reason := loopback.why_not():
        pytest.skip(reason)
    program = ["-m", "skiprun", "compare", "--ray", "plain20", "resnet20", "--jobs", "2"]
    program += ["--runs", str(tmp_path), "--set", "model.width=4", "--set", "schedule.epochs=2000"]
    begun = loopback.start(program)
    while len([log for log in tmp_path.glob("*/*/metrics.jsonl") if '"epoch_end"' in log.read_text()]) < 2:
        assert begun.poll() is None, begun.communicate()
        time.sleep(0.1)
    yield begun
    if begun.poll() is None:
        os.killpg(begun.pid, signal.SIGKILL)


@pytest.mark.slow
def test_an_interrupt_saves_all_runs(comparing: subprocess.Popen[str], tmp_path: Path) -> None:
    os.killpg(comparing.pid, signal.SIGINT)
    _, errors = comparing.communicate()
    assert comparing.returncode == 130, errors
    assert "The same command continues." in errors and "Traceback" not in errors
    assert {Run(path.parent).state for path in tmp_path.glob("*/*/config.yaml")} == {"stopped"}


def processes_in(network: str) -> list[int]:
    """Return the processes in a network namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended
            if (process / "ns" / "net").readlink().name == network:
                found.append(int(process.name))
    return found


@pytest.mark.slow
def test_of_a_killed_comparison_nothing_is_left_running(
    comparing: subprocess.Popen[str], tmp_path: Path
) -> None:
    runs = [Run(path.parent) for path in tmp_path.glob("*/*/config.yaml")]
    network = Path(f"/proc/{comparing.pid}/ns/net").readlink().name
    assert all(run.is_locked() for run in runs)
    assert {comparing.pid, *map(trainer_of, runs)} < {*processes_in(network)}
    os.kill(comparing.pid, signal.SIGKILL)
    comparing.wait()
    while any(run.is_locked() for run in runs) or processes_in(network):
        time.sleep(0.1)


def test_without_ray_one_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError) as caught:
        _ = Launcher(2, "local").crew
    assert str(caught.value) == "--ray needs Ray; install it with `pip install 'skiprun[ray]'`."


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["--ray"], "local"),
        (["--ray", "plain20", "resnet20"], "local"),
        (["plain20", "--ray", "--jobs", "2"], "local"),
        (["--ray", "resnet56:connection=highway"], "local"),
        (["--ray", "auto", "plain20"], "auto"),
        (["--ray", "10.0.0.1:6379", "plain20"], "10.0.0.1:6379"),
        (["--ray", "ray://head.example.org:10001"], "ray://head.example.org:10001"),
        (["--ray=auto"], "auto"),
        (["plain20"], None),
    ],
)
def test_an_address_is_told_from_a_name(
    given: list[str], read: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer.core

    heard: list[list[str]] = []
    monkeypatch.setattr(typer.core.TyperCommand, "parse_args", lambda _self, _ctx, args: heard.append(args))
    WithRay("compare").parse_args(None, given)
    [words] = heard
    place = next((n for n, word in enumerate(words) if word.startswith("--ray")), None)
    found = None if place is None else (words[place].partition("=")[2] or words[place + 1])
    assert found == read
    assert [word for word in words if word not in ("local",)] == [word for word in given if word != "local"]


def gpus(*free: float) -> list[GPU]:
    """Return GPUs of 80 GB of which so many are free."""
    return [GPU(str(number), round(each * GB), 80 * GB) for number, each in enumerate(free)]


@pytest.mark.parametrize(
    ("free", "gigabytes", "jobs", "share"),
    [
        ([70], 10, None, 1),
        ([70], 10, 4, 1 / 4),
        ([70], 10, 40, 1 / 7),
        ([70, 70], 10, 4, 1 / 2),
        ([70, 25], 10, 40, 1 / 2),
        ([70], 90, 4, 1),
        ([70], None, 4, 0),
        ([], 10, 4, 0),
    ],
)
def test_a_run_takes_the_share_of_a_gpu_that_it_needs(
    free: list[float], gigabytes: float | None, jobs: int | None, share: float
) -> None:
    need = None if gigabytes is None else Need(0, round(gigabytes * GB))
    assert gpu_share(Work("a", tiny_config(), 1, need), gpus(*free), jobs) == share


def test_cores_are_taken_by_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    kept: list[list[int]] = []
    monkeypatch.setattr(own_cores, "cores", lambda: [0, 1, 2])
    monkeypatch.setattr(own_cores, "set_affinity", kept.append)
    with own_cores.own_cores(1) as one, own_cores.own_cores(1) as other, own_cores.own_cores(2) as rest:
        assert (one, other, rest) == ([0], [1], [0, 1, 2])
    assert kept == [[0], [1], [0, 1, 2]] + [[0, 1, 2]] * 3
    with own_cores.own_cores(3) as every:
        assert every == [0, 1, 2]

"""A comparison is many processes that begin at once and end as one: by a signal, by a kill, in any order."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from skiprun.experiment import worker, worker_events
from skiprun.experiment.places import Places
from skiprun.experiment.shares import Share
from skiprun.run import Run
from skiprun.system.machine import cores
from skiprun.system.processes import NO_GUARD, cause_of_death, ready
from tests.support.tiny import tiny_config

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process imports for itself")
NAMES = ["plain20", "resnet20", "plain32"]


@pytest.fixture
def comparing(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A comparison of three runs, two at a time, that has trained an epoch of both, in its own session."""
    program = [
        sys.executable,
        "-m",
        "skiprun",
        "compare",
        *NAMES,
        "--jobs",
        "2",
        "--set",
        "log.tensorboard=false",
    ]
    program += ["--set", "model.width=4", "--set", "schedule.epochs=200", "--set", "compute.compile=off"]
    program += ["--runs", str(tmp_path)]
    begun = subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    logs: list[Path] = []
    while len(logs) < 2 or not all('"epoch_end"' in log.read_text() for log in logs):
        assert begun.poll() is None, begun.communicate()
        time.sleep(0.02)
        logs = list(tmp_path.glob("*/*/metrics.jsonl"))
    yield begun
    for left in session(begun.pid):
        os.kill(left, signal.SIGKILL)


def session(leader: int) -> list[int]:
    """Return the processes of a session that still live."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, belongs = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        found += [int(folder.name)] if int(belongs) == leader and state != "Z" else []
    return found


def to_all(number: int) -> Callable[[int], None]:
    return lambda leader: os.killpg(leader, number)


def kill_one_that_trains(leader: int) -> None:
    """The youngest process of the session is one of those that train."""
    os.kill(max(session(leader)), signal.SIGKILL)


def wait_for_the_last(leader: subprocess.Popen[str]) -> None:
    """Wait until the system has taken away what was killed; what goes on training stays for longer."""
    until = time.monotonic() + 10
    while session(leader.pid):
        assert time.monotonic() < until, "a process outlives the comparison"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("end", "code", "last_words"),
    [
        (to_all(signal.SIGINT), 130, "The same command continues."),
        pytest.param(to_all(signal.SIGTERM), 143, "The same command continues.", marks=pytest.mark.slow),
        pytest.param(
            lambda leader: os.kill(leader, signal.SIGTERM), 143, "continues.", marks=pytest.mark.slow
        ),
        pytest.param(
            kill_one_that_trains, 1, "Try fewer --jobs. The same command continues.", marks=pytest.mark.slow
        ),
        (lambda leader: os.kill(leader, signal.SIGKILL), -signal.SIGKILL, ""),
    ],
    ids=["interrupt", "SIGTERM to all", "SIGTERM to the first", "one is killed", "the first is killed"],
)
def test_a_comparison_ends_as_a_whole(
    comparing: subprocess.Popen[str], end: Callable[[int], None], code: int, last_words: str, tmp_path: Path
) -> None:
    end(comparing.pid)
    _, err = comparing.communicate(timeout=60)
    assert comparing.returncode == code
    assert last_words in err and "Traceback" not in err
    assert len(list(tmp_path.glob("digits-*"))) == 2, "the third run was begun"
    wait_for_the_last(comparing)
    if code == 130:
        assert {Run(path.parent).state for path in tmp_path.glob("*/*/config.yaml")} == {"stopped"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "strike", [lambda leader: os.kill(leader, signal.SIGINT), to_all(signal.SIGINT)], ids=["the first", "all"]
)
def test_a_second_interrupt_ends_a_comparison_at_once(
    comparing: subprocess.Popen[str], strike: Callable[[int], None]
) -> None:
    """Both come between two looks of the first process at its flag, so that no run has been asked to stop."""
    for _ in range(2):
        strike(comparing.pid)
        time.sleep(0.05)
    _, err = comparing.communicate(timeout=60)
    assert comparing.returncode == 130 and "Traceback" not in err
    wait_for_the_last(comparing)


UNGUARDED = """
from skiprun.experiment import ComparisonRequest, plan_comparison, Launcher, train_missing
overrides = ["schedule.steps=2", "schedule.epochs=null", "model.width=4", "log.tensorboard=false"]
planned = plan_comparison(ComparisonRequest(["plain20", "resnet20"], overrides=overrides))
train_missing(planned, "runs", Launcher(jobs=2))
"""


@pytest.mark.slow
def test_a_script_that_does_not_ask_whether_it_is_the_first_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert "below `if __name__ == '__main__':`. The same command continues." in done.stderr.splitlines()[-1]
    assert done.stderr.count("Traceback") == 1, "the script's own"


def log_some_lines(events: Any, shares: Any) -> None:
    worker.enter(events, shares, logging.INFO)
    multiprocessing.current_process().name = "plain20 100% seed 0"
    logging.getLogger("skiprun.experiment.train").info("Continuing after step %d of %d.", 4, 12)
    logging.getLogger("skiprun.training").debug("below the level")
    logging.getLogger("skiprun.data.notices").warning("The parent has opened the data, and logged this.")
    events.put(None)


def test_what_a_training_process_logs_is_logged_here_under_the_name_of_its_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    events, shares = ready().Queue(), ready().Queue()
    shares.put(Share(cores()))
    child = ready().Process(target=log_some_lines, args=(events, shares))
    child.start()
    worker_events.listen(events, {})
    child.join()
    assert caplog.record_tuples == [
        ("skiprun.experiment.train", logging.INFO, "plain20 100% seed 0: Continuing after step 4 of 12.")
    ]


def test_a_process_that_is_being_started_starts_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    monkeypatch.setattr(os, "_exit", sys.exit)
    with pytest.raises(SystemExit, match=str(NO_GUARD)):
        ready()


@pytest.mark.parametrize(
    ("codes", "says"),
    [
        ({-9, -15, 0}, "was killed, likely for want of memory"),
        ({-11, -15}, "ended with signal 11"),
        ({1, -15, None}, "ended with exit code 1"),
        ({70, -9, -15}, "__main__"),
    ],
)
def test_the_end_of_a_training_process_has_its_true_cause(codes: set[int | None], says: str) -> None:
    assert says in cause_of_death(codes)


def test_small_runs_of_less_than_two_rounds_share_the_cores() -> None:
    two = Places([0, 1])
    assert [two.workers([tiny_config()] * runs, small=True) for runs in (2, 3, 4, 5)] == [2, 3, 2, 2]
    assert two.workers([tiny_config()] * 3, small=False) == 2
    assert two.workers([tiny_config(compute={"threads": 2})] * 3, small=True) == 1
    assert Places([0]).workers([tiny_config()] * 3, small=True) == 1


def newly_imported(folder: str) -> str:
    """Train in a fork; return its imports, its server's threads, who asked CUDA, if imports rest."""
    import gc

    from skiprun import experiment
    from skiprun.experiment.comparison_request import ComparisonRequest
    from skiprun.experiment.plan import plan_comparison
    from tests.support import watched_cuda

    asked_by_server = list(watched_cuda.CALLS)
    threads, before = len(list(Path(f"/proc/{os.getppid()}/task").iterdir())), set(sys.modules)
    config = plan_comparison(
        ComparisonRequest(["plain20"], overrides=["schedule.epochs=1", "model.width=4"])
    )[0].config
    assert config is not None
    experiment.train(config, runs=folder)
    asked = [asked_by_server, watched_cuda.CALLS]
    return json.dumps([sorted(set(sys.modules) - before), threads, asked, gc.get_threshold()[2]])


PROGRAM = """
from concurrent.futures import ProcessPoolExecutor
from skiprun.system.processes import IMPORTED, ready
from tests.experiment.test_processes import newly_imported
import sys
IMPORTED.insert(1, "tests.support.watched_cuda")
with ProcessPoolExecutor(1, ready()) as pool:
    print(pool.submit(newly_imported, sys.argv[1]).result())
"""


def test_what_is_forked_finds_everything_imported_and_its_server_untouched(tmp_path: Path) -> None:
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy's own threads aside
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True,
        text=True,
        env=os.environ | single,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    imported, threads, (asked_by_server, asked), collected_every = json.loads(done.stdout)
    slow = ("torch._", "sympy", "matplotlib", "tensorboard.compat", "google")
    assert not [name for name in imported if name.startswith(slow)]
    assert (threads, asked_by_server, collected_every) == (1, [], 1000)
    assert asked, "training asks whether there is a GPU, so what is asked is seen"

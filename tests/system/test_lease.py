"""One process at a time fills a folder, on all machines that share its disk; a dead one is taken over."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import filelock
import pytest

from skiprun.data.download.place import locked
from skiprun.errors import StorageError
from skiprun.system import lease

LEASE = ".skiprun.lease"


@pytest.fixture
def no_kernel_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that knows no locks of the kernel."""

    def refused(self: object, timeout: float) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", refused)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting in tests is short."""
    monkeypatch.setattr(lease, "POLL", 0.01)
    monkeypatch.setattr(lease, "HEARTBEAT", 0.01)


def of_another_machine(folder: Path, work: str = "") -> None:
    said = {"token": "x", "machine": "other", "name": "node7", "process": 12, "beats": 3, "work": work}
    (folder / LEASE).write_text(json.dumps(said))


def silent(done: int, total: int, what: str) -> None:
    """Tell nobody."""


@pytest.mark.usefixtures("quick", "no_kernel_locks")
def test_without_locks_of_the_kernel_one_at_a_time_has_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "STALE", float("inf"))
    inside, most, waiting = [], [], threading.Event()

    def tell(done: int, total: int, what: str) -> None:
        if what.startswith("waiting for process"):
            waiting.set()

    def fill() -> None:
        with locked(tmp_path, tell):
            inside.append(1)
            most.append(len(inside))
            waiting.wait(30)  # until another one waits for this
            inside.pop()

    threads = [threading.Thread(target=fill) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1] and not (tmp_path / LEASE).exists()


@pytest.mark.usefixtures("quick")
def test_a_holder_on_another_machine_that_died_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "STALE", 0.1)
    of_another_machine(tmp_path, "decoding images: 3 of 9")
    told: list[str] = []
    with locked(tmp_path, lambda done, total, what: told.append(what)):
        assert json.loads((tmp_path / LEASE).read_text())["process"] == os.getpid()
    assert told[0] == f"waiting for process 12 on node7 (decoding images: 3 of 9) to fill {tmp_path}"
    assert [file.name for file in tmp_path.iterdir()] == [".skiprun.lock"]


@pytest.mark.usefixtures("quick")
def test_a_holder_that_lives_and_does_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "NO_PROGRESS", 0.2)
    of_another_machine(tmp_path, "decoding images: 3 of 9")
    says = r"held by process 12 on node7 \(decoding.*not got any further"
    with pytest.raises(StorageError, match=says), locked(tmp_path, silent):
        pass
    assert (tmp_path / LEASE).exists()


HOLD = """
import sys, time
from pathlib import Path
from skiprun.data.download.place import locked
with locked(Path(sys.argv[1]), lambda *_: None) as progress:
    progress(3, 9, "decoding images")
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_process_of_this_machine_that_was_killed_is_taken_over_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / LEASE).exists(), "it could not take it away"
    with locked(tmp_path, silent):
        assert json.loads((tmp_path / LEASE).read_text())["process"] == os.getpid()


@pytest.mark.usefixtures("quick")
def test_who_was_taken_over_leaves_the_lease_of_the_other_alone(tmp_path: Path) -> None:
    with locked(tmp_path, silent):
        of_another_machine(tmp_path)
    assert json.loads((tmp_path / LEASE).read_text())["token"] == "x"


@pytest.mark.usefixtures("quick")
def test_how_far_the_holder_is_stands_in_the_lease(tmp_path: Path) -> None:
    changed = threading.Event()
    with locked(tmp_path, silent) as progress:
        progress(3, 9, "decoding images")
        for _ in range(1000):
            if "decoding images: 3 of 9" in (tmp_path / LEASE).read_text():
                break
            changed.wait(0.01)
        assert json.loads((tmp_path / LEASE).read_text())["work"] == "decoding images: 3 of 9"

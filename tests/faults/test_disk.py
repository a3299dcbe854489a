"""Disks full, failing, read-only, gone, or without locks (F35 to F41, F43): one message, nothing lost."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skiprun.errors import SkiprunError, StorageError
from skiprun.run import Run
from skiprun.system.files import remove_leftovers, write_bytes
from skiprun.system.locks import SOFT_NOTICE
from skiprun.system.progress import NullProgress
from skiprun.training.checkpoint import Checkpoints
from tests.support import CONFIGS
from tests.support.failing_disk import FailingDisk
from tests.support.faulty import assert_same_runs, fault_config, finish, limit_file_size, train_here, trial

CONFIG = fault_config(schedule={"epochs": 2}, log={"every": 4, "tensorboard": False})
WITH_EVENTS = fault_config(schedule={"epochs": 2}, log={"every": 1, "tensorboard": True})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of an uninterrupted run."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    train_here(CONFIG, runs)
    return runs


@pytest.mark.parametrize(
    ("error", "stays", "every"),
    [
        # The two tests below have a disk that is full from some point on, too.
        pytest.param(errno.ENOSPC, True, 1, marks=pytest.mark.slow, id="F35-disk-full"),
        pytest.param(errno.EIO, False, 1, marks=pytest.mark.slow, id="F40-one-failing-operation"),
        pytest.param(errno.EIO, False, 5, id="F40-one-of-five"),
    ],
)
def test_F35_F36_F40_the_disk_fails_at_every_single_operation(
    error: int, stays: bool, every: int, whole: Path, tmp_path: Path
) -> None:
    failed = 0
    for at in range(1, 1000, every):
        runs, disk = tmp_path / str(at) / "runs", FailingDisk(at, error, stays)
        try:
            with disk.installed():
                train_here(CONFIG, runs)
        except StorageError as caught:
            failed += 1
            message = str(caught)
            assert caught.exit_code == 6
            assert message.startswith("Cannot ") and os.strerror(error) in message and "\n" not in message, at
        else:
            assert disk.count < at, "an operation that failed went unnoticed"
            break
        run = Run.of(runs, CONFIG)
        assert "damaged" not in "".join(Checkpoints(run.checkpoints).load_last()[1])
        train_here(CONFIG, runs)
        assert_same_runs(whole, runs, CONFIG)
    assert failed > 40 // every


@pytest.mark.parametrize("size", [600, 1500, 30_000, 60_000])
def test_F35_file_size_limit(size: int, whole: Path, tmp_path: Path) -> None:
    assert trial(CONFIG, tmp_path / "runs", partial(limit_file_size, size)) == 6
    assert "File too large. " in (tmp_path / "error.txt").read_text()
    finish(CONFIG, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class FillAt(NullProgress):
    """Progress that leaves some bytes of a disk after a step."""

    def __init__(self, place: Path, left: int, at: int) -> None:
        self.place, self.left, self.at = place, left, at

    def step(self, step: int, steps: int) -> None:
        if step == self.at:
            fill(self.place, self.left)


def fill(place: Path, left: int) -> None:
    """Fill a disk but for some bytes."""
    free = shutil.disk_usage(place).free
    (place / "ballast").write_bytes(bytes(max(0, free - left)))


@pytest.mark.parametrize("left", [0, 4096, 40_960])
@pytest.mark.parametrize("config", [CONFIG, WITH_EVENTS], ids=["F35", "F36-with-events"])
def test_F35_F36_a_disk_that_fills_up_while_training(
    config: Any, left: int, small_disk: Path, tmp_path: Path
) -> None:
    with pytest.raises(StorageError) as caught:
        train_here(config, small_disk / "runs", progress=FillAt(small_disk, left, 5))
    message = str(caught.value)
    assert "No space left on device. " in message
    assert "make room, and run the same command again." in message
    assert "the checkpoint of step 4 is kept." in message
    (small_disk / "ballast").unlink()
    train_here(config, small_disk / "runs")
    train_here(config, tmp_path / "runs")
    assert_same_runs(tmp_path / "runs", small_disk / "runs", config)


def test_F37_too_little_space_is_told_before_the_first_step(small_disk: Path) -> None:
    fill(small_disk, 65_536)
    with pytest.raises(StorageError) as caught:
        train_here(CONFIG, small_disk / "runs")
    assert re.search(
        r"the run needs about 0\.1 MB of disk, and 0\.0 MB are free\. Make room", str(caught.value)
    )
    assert not list((small_disk / "runs").rglob("metrics.jsonl"))


def test_F38_a_runs_folder_that_is_a_file_is_told_before_data_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").write_text("")
    monkeypatch.setattr("tests.support.faulty.tiny", None)
    with pytest.raises(StorageError) as caught:
        train_here(CONFIG, tmp_path / "runs")
    assert str(caught.value) == (
        f"Cannot write to {tmp_path}/runs/run/seed-0: {tmp_path}/runs is a file, not a folder."
    )


def test_F38_the_command_line_tells_so_before_it_imports_torch(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    config = CONFIGS / "smoke.yaml"
    program = f"""
import sys
sys.argv = ["skiprun", "train", {str(config)!r}, "--runs", {str(tmp_path / "runs")!r}]
from skiprun.cli.app import main
try:
    main()
except SystemExit as ended:
    sys.exit(ended.code if "torch" not in sys.modules else "torch is imported")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (6, 1), ended.stderr
    assert "runs is a file, not a folder" in ended.stderr


def test_F38_a_read_only_disk_is_told(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError) as caught:
        train_here(CONFIG, small_disk / "runs")
    assert caught.value.exit_code == 6
    assert "Read-only file system" in str(caught.value) or "is not writable" in str(caught.value)


def test_F39_a_runs_folder_that_is_deleted_while_training_ends_with_its_path(tmp_path: Path) -> None:
    class Delete(NullProgress):
        def step(self, step: int, steps: int) -> None:
            if step == 6:
                shutil.rmtree(tmp_path / "runs")

    with pytest.raises(StorageError) as caught:
        train_here(CONFIG, tmp_path / "runs", progress=Delete())
    assert f"{tmp_path}/runs/run/seed-0/checkpoints" in str(caught.value)
    assert "No such file or directory" in str(caught.value)
    assert not (tmp_path / "runs").exists()


class NoMoreFiles(NullProgress):
    """Progress that takes all remaining file descriptors after a step."""

    def step(self, step: int, steps: int) -> None:
        if step == 6:
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


def test_F41_too_many_open_files_is_told_with_the_way_out(whole: Path, tmp_path: Path) -> None:
    assert trial(CONFIG, tmp_path / "runs", quiet, progress=NoMoreFiles()) == 6
    finish(CONFIG, tmp_path / "runs")
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


def quiet() -> None:
    """Write no message: the file for it cannot be opened any more."""
    Path.write_text = lambda self, *_: 0  # type: ignore[method-assign]


def test_F41_the_words_of_too_many_open_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FailingDisk(1, errno.EMFILE, True).installed(), pytest.raises(StorageError) as caught:
        write_bytes(tmp_path / "file", b"")
    assert str(caught.value) == (
        f"Cannot write {tmp_path}/file: Too many open files. Raise the limit of open files (`ulimit -n`)."
    )


def test_F43_a_disk_without_locks_is_told_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    run = train_here(CONFIG, tmp_path / "runs")
    assert caplog.messages[0] == SOFT_NOTICE
    assert run.state == "finished"
    with run.lock(), pytest.raises(SkiprunError) as caught, run.lock():
        pass
    assert caught.value.exit_code == 5


def test_what_is_written_reads_back_or_the_old_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save_last({"step": 1})
    before = checkpoints.last.read_bytes()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path)[:-1])
    with pytest.raises(StorageError, match="reads back differently"):
        checkpoints.save_last({"step": 2})
    monkeypatch.undo()
    assert checkpoints.last.read_bytes() == before
    assert not checkpoints.previous.exists()


def test_nothing_is_written_outside_the_runs_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    train_here(CONFIG, tmp_path / "runs")
    assert not list(home.iterdir())


def test_only_temporary_files_are_leftovers(tmp_path: Path) -> None:
    for name in (".a.tmp", "a.tmp", ".hidden", "b.pt"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".hidden", "a.tmp", "b.pt"]


@pytest.mark.parametrize("error", [errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF, errno.EACCES])
def test_a_shared_folder_that_cannot_be_flushed_is_used(
    error: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, folders = os.fsync, []

    def of_a_shared_folder(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            folders.append(descriptor)
            raise OSError(error, os.strerror(error))
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", of_a_shared_folder)
    train_here(CONFIG, tmp_path / "runs")
    assert folders
    assert_same_runs(whole, tmp_path / "runs", CONFIG)


def test_a_file_that_cannot_be_flushed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(StorageError, match=r"Cannot write .*Invalid argument"):
        write_bytes(tmp_path / "file", b"")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errno.ENOSPC, r"[\d.]+ MB are free there; make room, and run the same command again\."),
        (errno.EDQUOT, r"Your quota there, of bytes or of files, is used up; make room"),
        (
            errno.EFBIG,
            r"Raise the limit of a file's size \(`ulimit -f`\), or choose a disk that holds larger files\.",
        ),
    ],
)
def test_the_advice_is_that_of_the_cause(error: int, advice: str, tmp_path: Path) -> None:
    with FailingDisk(1, error, True).installed(), pytest.raises(StorageError, match=advice) as caught:
        write_bytes(tmp_path / "file", b"")
    assert ("make room" in str(caught.value)) == (error != errno.EFBIG)


def test_a_disk_without_room_for_another_file_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=2", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting needs root")
    try:
        (place / "one").write_text("")
        with pytest.raises(
            StorageError, match=r"No space left on device\. The number of files on that disk is used up"
        ):
            write_bytes(place / "two", b"")
    finally:
        subprocess.run(["umount", str(place)], check=True)

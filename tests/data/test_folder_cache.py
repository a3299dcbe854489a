"""The cache of decoded folders: keyed by content, whole or absent, shared by processes."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from skiprun.config import DataConfig
from skiprun.data import load_data
from skiprun.data.folders import array_names, decoded_arrays, decoding, scanning
from skiprun.data.folders.folder_cache import decoded
from skiprun.data.folders.listing import list_images
from skiprun.data.folders.summed_files import Sums, is_whole, summed
from skiprun.data.folders.workers import in_order
from skiprun.data.source import channel_moments
from skiprun.errors import SkiprunError, StorageError
from skiprun.experiment import machine_checks
from tests.support.data_files import image_folder


class Told:
    """A progress callback that remembers what it was told."""

    def __init__(self, then: Callable[[str], None] = lambda what: None) -> None:
        self.kinds: set[str] = set()
        self.then = then

    def __call__(self, done: int, total: int, what: str) -> None:
        self.kinds.add(what)
        self.then(what)


def kept(own_data_folder: Path) -> list[str]:
    return sorted(path.name for path in own_data_folder.rglob("*") if path.suffix in (".npy", ".tmp"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    image_folder(tmp_path / "images")
    return tmp_path / "images"


def test_unchanged_folder_is_not_read_again(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = decoded(list_images(images), None, Told())
    for module in (decoding, scanning):
        monkeypatch.setattr(module, "read_file", None)
    told = Told()
    again = decoded(list_images(images), None, told)
    assert told.kinds == set()
    assert again.content == first.content and np.array_equal(again.images, first.images)


def test_arrays_are_mapped_and_hold_the_images_with_their_moments(images: Path) -> None:
    found = decoded(list_images(images), None, Told())
    assert isinstance(found.images, np.memmap) and found.images.dtype == np.uint8
    assert np.array_equal(found.moments, channel_moments(found.images))


def test_copy_of_a_folder_is_compared_by_content_and_not_decoded(images: Path) -> None:
    first = decoded(list_images(images), None, Told())
    for path in images.rglob("*.png"):
        os.utime(path, (1, 1))
    told = Told()
    assert decoded(list_images(images), None, told).content == first.content
    assert told.kinds == {"comparing images"}
    told = Told()
    decoded(list_images(images), None, told)
    assert told.kinds == set()


def test_change_of_one_byte_at_equal_size_is_another_content_and_the_earlier_one_goes(
    images: Path, own_data_folder: Path
) -> None:
    first = decoded(list_images(images), None, Told())
    file = images / "train/cat/001.png"
    other = (images / "train/cat/002.png").read_bytes()
    assert len(other) == file.stat().st_size
    file.write_bytes(other)
    second = decoded(list_images(images), None, Told())
    assert second.content != first.content
    assert np.array_equal(second.images[1], first.images[2])
    assert len(kept(own_data_folder)) == 2 and all(second.content in name for name in kept(own_data_folder))
    assert len(first.images) == 28, "who has it open keeps it"


def test_arrays_stay_for_as_long_as_a_folder_has_them(images: Path, own_data_folder: Path) -> None:
    copy = shutil.copytree(images, images.with_name("copy"))
    content = decoded(list_images(images), None, Told()).content
    assert decoded(list_images(copy), None, Told()).content == content
    assert len(kept(own_data_folder)) == 2, "one pair of arrays for both"
    image_folder(copy, classes=["owl"])
    decoded(list_images(copy), None, Told())
    assert len(kept(own_data_folder)) == 4
    shutil.rmtree(copy)
    decoded(list_images(images), 4, Told())
    assert len(kept(own_data_folder)) == 4, "two sizes of the one that is left"
    told = Told()
    decoded(list_images(images), None, told)
    assert told.kinds == set()


def test_other_image_size_is_another_array(images: Path) -> None:
    assert decoded(list_images(images), 4, Told()).images.shape[1:] == (4, 4, 3)
    assert decoded(list_images(images), 5, Told()).images.shape[1:] == (5, 5, 3)
    assert decoded(list_images(images), 4, Told()).images.shape[1:] == (4, 4, 3)


@pytest.mark.parametrize("name", ["images", "moments"])
def test_damaged_cache_is_made_anew(images: Path, own_data_folder: Path, name: str) -> None:
    first = decoded(list_images(images), None, Told())
    expected = np.array(first.images)
    file = next(
        path for path in own_data_folder.rglob("*.npy") if ("moments" in path.name) == (name == "moments")
    )
    file.write_bytes(file.read_bytes()[:200])
    assert np.array_equal(decoded(list_images(images), None, Told()).images, expected)


@pytest.mark.parametrize("ending", [".npy", ".moments.npy", ".json"])
def test_a_flipped_bit_anywhere_is_told_once_and_made_again(
    images: Path, own_data_folder: Path, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """In headers, pixels, moments and notes of them: nothing else is ever used, nothing stays blocked."""
    first = decoded(list_images(images), None, Told())
    expected = np.array(first.images), np.array(first.moments), first.content, first.tally, first.span
    file = next(own_data_folder.rglob("*.moments.npy")).with_suffix("").with_suffix(ending)
    chance = random.Random(5)
    for number in range(20):
        content = bytearray(file.read_bytes())
        content[chance.randrange(128 if number % 2 and ending != ".json" else len(content))] ^= (
            1 << chance.randrange(8)
        )
        file.write_bytes(content[: chance.randrange(len(content))] if number % 10 == 9 else content)
        caplog.clear()
        found = decoded(list_images(images), None, Told())
        assert np.array_equal(found.images, expected[0]) and np.array_equal(found.moments, expected[1])
        assert (found.content, found.tally, found.span) == expected[2:]
        assert [
            message.endswith("was damaged; the images are decoded again.") for message in caplog.messages
        ] == [True]


def test_a_flipped_bit_of_the_index_costs_a_comparison_at_most(images: Path, own_data_folder: Path) -> None:
    first = decoded(list_images(images), None, Told())
    index = own_data_folder / "image_folder" / "index.json"
    chance = random.Random(5)
    for _ in range(20):
        content = bytearray(index.read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        index.write_bytes(content)
        found = decoded(list_images(images), None, told := Told())
        assert np.array_equal(found.images, first.images) and "decoding images" not in told.kinds


def test_parts_of_a_file_are_compared_one_by_one(tmp_path: Path) -> None:
    sums: Sums = []
    file = tmp_path / "x"
    file.write_bytes(b"".join(summed([memoryview(b"abc"), memoryview(b"defgh")], sums)))
    assert is_whole(file, sums) and [length for length, _ in sums] == [3, 5]
    for damaged in (b"abcdefgH", b"Abcdefgh", b"abcdefg", b"abcdefghi", b""):
        file.write_bytes(damaged)
        assert not is_whole(file, sums)
    assert not is_whole(tmp_path / "absent", sums)


def test_room_is_looked_at_before_anything_is_decoded(
    images: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_arrays, "free_bytes", lambda path: 2_000_000)
    assert len(decoded(list_images(images), 8, Told()).images) == 28
    told = Told()
    with pytest.raises(
        StorageError, match=r"image_folder: the decoded images need about 5.3 MB, and 2.0 MB are free"
    ):
        decoded(list_images(images), 224, told)
    assert told.kinds == set()
    config = DataConfig(name="image_folder", root=str(images), image_size=224)
    found = machine_checks.checked("data", lambda: str(load_data(config, torch.device("cpu"))))
    assert (found.state, found.exit_code) == ("fail", 6) and "$SKIPRUN_DATA" in found.finding


@pytest.mark.parametrize("text", ["", "[1]", '{"x": 3', '{"x": 3}', '{"x": {"root": "/"}}', "\x00"])
def test_damaged_index_is_made_anew(images: Path, own_data_folder: Path, text: str) -> None:
    first = decoded(list_images(images), None, Told())
    next(own_data_folder.rglob("index.json")).write_text(text)
    assert decoded(list_images(images), None, Told()).content == first.content


@pytest.mark.parametrize("error", [KeyboardInterrupt, StorageError])
def test_interrupted_build_leaves_no_array_and_the_next_succeeds(
    images: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(scanning, "BLOCK_FILES", 3)

    def stop(what: str) -> None:
        raise error("stop")

    with pytest.raises(error):
        decoded(list_images(images), None, Told(stop))
    assert kept(own_data_folder) == []
    assert len(decoded(list_images(images), None, Told()).images) == 28


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_F35_full_disk_at_any_write_is_one_message_and_leaves_no_named_array(
    images: Path, own_data_folder: Path, monkeypatch: pytest.MonkeyPatch, broken: int
) -> None:
    real, calls = os.fsync, []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == broken + 1:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="No space left on device"):
        decoded(list_images(images), None, Told())
    monkeypatch.setattr(os, "fsync", real)
    assert not [name for name in kept(own_data_folder) if name.endswith(".tmp")]
    assert len(decoded(list_images(images), None, Told()).images) == 28


BUILD = """
import sys
from pathlib import Path
from skiprun.data.folders import scanning
from skiprun.data.folders.folder_cache import decoded
from skiprun.data.folders.listing import list_images
scanning.BLOCK_FILES, scanning.WORTH_PROCESSES, scanning.cores = 2, 0, lambda: [0, 1]
told = lambda done, total, what: print(what, flush=True)
print(decoded(list_images(Path(sys.argv[1])), None, told).content)
"""


def build(images: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", BUILD, str(images)], stdout=subprocess.PIPE, text=True)


def test_F61_two_processes_at_once_decode_once(images: Path) -> None:
    started = [build(images), build(images)]
    answers = [process.communicate(timeout=60)[0].split("\n") for process in started]
    assert answers[0][-2] == answers[1][-2]
    assert sorted("decoding images" in lines for lines in answers) == [False, True]


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
def test_killed_build_leaves_no_process_and_no_array_and_the_next_succeeds(
    tmp_path: Path, own_data_folder: Path
) -> None:
    image_folder(tmp_path / "images", counts=[("train", 300), ("test", 10)], size=(64, 64))
    process = build(tmp_path / "images")
    assert process.stdout is not None and process.stdout.readline().strip() == "decoding images"
    workers = children(process.pid)
    assert len(workers) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert [name for name in kept(own_data_folder) if name.endswith(".npy")] == []
    assert len(decoded(list_images(tmp_path / "images"), None, Told()).images) == 620
    assert not [name for name in kept(own_data_folder) if name.endswith(".tmp")]


def test_F10_worker_that_dies_is_one_message() -> None:
    with pytest.raises(SkiprunError, match=r"died \(status -9\), perhaps for want of memory"):
        list(in_order(die, [1, 2, 3], processes=2))


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_order_and_an_early_end_stops_the_workers() -> None:
    results = in_order(abs, range(-50, 0), processes=3)
    assert [next(results) for _ in range(10)] == list(range(50, 40, -1))
    results.close()


def test_version_of_the_format_is_part_of_the_key(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded(list_images(images), None, Told())
    monkeypatch.setattr(array_names, "VERSION", -1)
    told = Told()
    decoded(list_images(images), None, told)
    assert told.kinds == {"decoding images"}

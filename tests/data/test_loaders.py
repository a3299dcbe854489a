"""A split larger than memory."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from skiprun.data.splits import MemoryMappedSplit


def mapped_megabytes() -> float:
    """Return how much of files counts as this process's memory."""
    found = re.search(r"RssFile:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found.group(1)) / 1000 if found else 0.0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_reading_a_mapped_split_does_not_fill_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.full((400, 256, 256, 3), 7, np.uint8))
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    split = MemoryMappedSplit(images[10:], np.arange(390), np.arange(390), torch.device("cpu"))
    before = mapped_megabytes()
    for index in torch.arange(390).split(30):
        split.prefetch((index + 30) % 390)
        batch, labels = split.take(index)
        assert (batch == 7).all() and torch.equal(labels, index)
    assert mapped_megabytes() - before < 20, "78 MB were read"


def test_what_is_read_ahead_is_what_is_asked_for() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4, 3), np.uint8)
    split = MemoryMappedSplit(images, np.arange(60), np.arange(59, -1, -1), torch.device("cpu"))
    indices = torch.randperm(60).split(10)
    expected = [split.take(index) for index in indices]
    for index, batch in zip(indices, expected, strict=True):
        split.prefetch(index)
        split.prefetch(index.flip(0))  # which nobody asks for
        assert all(map(torch.equal, split.take(index), batch))


class Damaged:
    """Rows that cannot be read from one on."""

    shape, nbytes = (8, 4, 4, 3), 384

    def __len__(self) -> int:
        return 8

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        if (rows > 3).any():
            raise OSError("the disk does not answer")
        return np.zeros((len(rows), 4, 4, 3), np.uint8)


def test_an_error_of_a_thread_is_raised_where_the_batch_is_asked_for() -> None:
    split = MemoryMappedSplit(Damaged(), np.arange(8), np.arange(8), torch.device("cpu"))
    split.prefetch(torch.tensor([1, 2]))
    split.prefetch(torch.tensor([3, 4]))
    assert split.take(torch.tensor([1, 2]))[1].tolist() == [1, 2]
    with pytest.raises(OSError, match="the disk does not answer"):
        split.take(torch.tensor([3, 4]))
    assert split.take(torch.tensor([0, 3]))[1].tolist() == [0, 3]

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
        batch, labels = split.take(index)
        assert (batch == 7).all() and torch.equal(labels, index)
    assert mapped_megabytes() - before < 20, "78 MB were read"

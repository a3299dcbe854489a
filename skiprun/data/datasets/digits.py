"""Handwritten digits (Alpaydin and Kaynak 1998), inside scikit-learn: nothing to download."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.loaders import Loaders
from skiprun.data.partition import stratified_split
from skiprun.data.request import DataRequest
from skiprun.data.source import RawDataset, RawSplit
from skiprun.errors import OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

TEST_IMAGES = 360
TEST_SEED = 0


@DATASETS.register(
    "digits",
    classes=10,
    shape="1x8x8",
    size="1,437 + 360",
    train=1437,
    test=360,
    paper="Alpaydin and Kaynak 1998",
)
def digits(config: DataRequest, device: torch.device, _progress: ProgressCallback) -> Loaders:
    """Real handwritten digits of 8x8 pixels in 17 grey levels; comes with scikit-learn.

    The test split is the same stratified fifth in every experiment, whatever `seeds.split` says.
    """
    if config.image_size not in (None, 8):
        raise OptionError(
            "image_size", f"found {config.image_size}; the images of 'digits' have 8 pixels a side"
        )
    rows = np.loadtxt(digits_file(), delimiter=",")
    images = np.rint(rows[:, :64].reshape(-1, 8, 8, 1) * (255 / 16)).astype(np.uint8)
    labels = rows[:, 64].astype(np.int64)
    parts = stratified_split(labels, TEST_IMAGES, TEST_SEED)
    train, test = (RawSplit(images[rows], labels[rows]) for rows in parts)
    return assemble(RawDataset(train, test, tuple("0123456789")), config, device)


def digits_file() -> Path:
    """Return the file behind sklearn.datasets.load_digits: to import scikit-learn for it would take 0.7 s."""
    found = find_spec("sklearn")
    assert found and found.submodule_search_locations
    return Path(found.submodule_search_locations[0], "datasets", "data", "digits.csv.gz")

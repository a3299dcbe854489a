"""Optical recognition of handwritten digits (Alpaydin and Kaynak 1998), inside scikit-learn: nothing to download."""

from __future__ import annotations

import numpy as np
import torch

from skiprun.config import DataConfig
from skiprun.data.assemble import assemble
from skiprun.data.loaders import Loaders
from skiprun.data.partition import take_part
from skiprun.data.source import Portion, Progress, Source
from skiprun.errors import OptionError
from skiprun.registry import DATASETS

TEST_PICTURES = 360
TEST_SEED = 0


@DATASETS.register(
    "digits",
    task="classification",
    classes=10,
    shape="1x8x8",
    size="1,437 + 360",
    train=1437,
    test=360,
    download=None,
    paper="Alpaydin and Kaynak 1998",
)
def digits(config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Real handwritten digits of 8x8 pixels in 17 grey levels; comes with scikit-learn.

    The test split is the same stratified fifth in every experiment, whatever `split_seed` says.
    """
    if config.image_size not in (None, 8):
        raise OptionError("image_size", f"found {config.image_size}; the pictures of 'digits' have 8 pixels a side")
    from sklearn.datasets import load_digits

    found = load_digits()
    pictures = np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None]
    labels = found.target.astype(np.int64)
    train, test = (Portion(pictures[rows], labels[rows]) for rows in take_part(labels, TEST_PICTURES, TEST_SEED))
    return assemble(Source(train, test, tuple("0123456789")), config, device)

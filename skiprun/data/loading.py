"""Load the `data` section of a config: from names and options to Loaders."""

from __future__ import annotations

import torch

from skiprun.config import DataConfig
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.uses import refuse_unused_data_keys
from skiprun.registry import DATASETS
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback


@checked_arguments
def load_data(
    config: DataConfig,
    device: torch.device,
    progress: ProgressCallback | None = None,
    new: bool = True,
    split_seed: int = 0,
    fold: int = 0,
) -> Loaders:
    """Return the splits of a dataset, on a device.

    Args:
        config: the `data` section.
        device: where the images live, or arrive if they do not fit.
        progress: told of (done, total, what) while files are fetched, unpacked or decoded.
        new: refuse keys that the dataset has no use for; an earlier run may have them.
        split_seed: seed of the splits that the dataset does not have: `RunConfig.split_seed`.
        fold: which of `data.folds` is tested: `RunConfig.fold`.

    Raises:
        UnknownName: no dataset has this name.
        DataNotFound: the files are not on this machine.
        OptionError: an option of the section that this dataset refuses; the key is relative to the section.
        InputError: files that cannot be used, by name.
    """
    entry = DATASETS[config.name]
    if new:
        refuse_unused_data_keys(config)
    return entry.target(DataRequest.of(config, split_seed, fold), device, progress or _silence)


def _silence(done: int, total: int, what: str) -> None:
    """Tell nobody."""

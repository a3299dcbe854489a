"""From the `data` section of a config to its Loaders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from skiprun.config import DataConfig
from skiprun.data.loaders import Loaders
from skiprun.data.source import Progress
from skiprun.errors import OptionError
from skiprun.registry import DATASETS

FITS = {"classification": ("crop", "pad", "resize"), "segmentation": ("resize", "tile")}


def load_data(config: DataConfig, device: torch.device, progress: Progress | None = None) -> Loaders:
    """Return the splits of a dataset, on a device.

    Args:
        config: the `data` section.
        device: where the pictures live, or arrive if they do not fit.
        progress: told of (done, total, what) while files are fetched, unpacked or decoded.

    Raises:
        UnknownName: no dataset has this name.
        DataNotFound: the files are not on this machine.
        OptionError: an option of the section that this dataset refuses; the key is relative to the section.
        InputError: files that cannot be used, by name.
    """
    check_conversion(config, DATASETS[config.name].facts)
    loaders: Loaders = DATASETS[config.name].thing(config, device, progress or _silence)
    return loaders


def check_conversion(config: DataConfig, facts: Mapping[str, Any]) -> None:
    """Refuse keys of the conversion of files that a dataset has no use for.

    Raises:
        OptionError: with the key, relative to the section.
    """
    allowed = FITS[facts["task"]] if facts.get("resizes") else ()
    if config.fit is not None and config.fit not in allowed:
        known = f"{' or '.join(allowed)} is for its images" if allowed else "its images have one size; leave it out"
        raise OptionError("fit", f"found {config.fit}, which is not for dataset '{config.name}'; {known}")
    if config.background != "white" and not allowed:
        raise OptionError("background", f"dataset '{config.name}' has no transparent images; leave it out")


def _silence(done: int, total: int, what: str) -> None:
    """Tell nobody."""

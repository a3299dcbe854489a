"""Datasets by name, in three splits, with whole-batch augmentation on the device.

One file a dataset, registered with the facts that `skiprun datasets` lists. A builder takes the `data`
section of a config, the device and a progress callback, and returns Loaders. Importing this package does not
import torch, so that the processes that decode a folder's images start quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiprun.data.loaders import Loaders
    from skiprun.data.loading import load_data
    from skiprun.data.splits import Split

__all__ = ["Loaders", "Split", "load_data"]

_HOMES = {
    "Loaders": "skiprun.data.loaders",
    "Split": "skiprun.data.splits",
    "load_data": "skiprun.data.loading",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'skiprun.data' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)

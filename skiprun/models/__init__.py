"""Networks by name, each built around a connection.

One file a family, registered with the facts that `skiprun models` lists. A builder takes `num_classes`,
`in_channels`, a `connection` factory if the family has sites, and the family's options by keyword; those that
are no keys of `ModelConfig` have a line below `Options:` in its docstring. Importing this package does not
import torch, so that a listing that is known starts at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skiprun.models.build import SMALLER_NETWORK, build_from_config, build_model, check_from_config
    from skiprun.models.complexity.cost import Cost, cost

__all__ = ["SMALLER_NETWORK", "Cost", "build_from_config", "build_model", "check_from_config", "cost"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'skiprun.models' has no attribute '{name}'")
    home = "skiprun.models.complexity.cost" if name in ("Cost", "cost") else "skiprun.models.build"
    return getattr(importlib.import_module(home), name)

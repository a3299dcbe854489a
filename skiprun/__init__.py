"""skiprun: a laboratory bench for skip connections.

The Python face is small; each name is imported when it is first used, so `import skiprun` costs nothing.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"
__all__ = ["build_model", "compare", "evaluate", "load_run", "study", "train"]

_HOMES = {
    "build_model": "skiprun.models",
    "compare": "skiprun.experiment",
    "evaluate": "skiprun.experiment",
    "load_run": "skiprun.experiment",
    "study": "skiprun.experiment",
    "train": "skiprun.experiment",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'skiprun' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)

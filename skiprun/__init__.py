"""skiprun: a laboratory bench for skip connections.

The verbs of the command line, with the same arguments in words and the same errors; nothing is printed
unless `progress=True` asks for it. Each name is imported when it is first used, so `import skiprun` costs
nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # so that editors and mypy know the names
    from skiprun.experiment.compare import compare as compare
    from skiprun.experiment.evaluating import evaluate as evaluate
    from skiprun.experiment.export import export as export
    from skiprun.experiment.finished import load_model as load_model
    from skiprun.experiment.finished import load_run as load_run
    from skiprun.experiment.predict import predict as predict
    from skiprun.experiment.reproduction.reproduce import reproduce as reproduce
    from skiprun.experiment.study import study as study
    from skiprun.experiment.train import train as train
    from skiprun.models import build_model as build_model
    from skiprun.reports.listing import runs as runs

__version__ = "0.1.0"

_HOMES = {
    "build_model": "skiprun.models",
    "compare": "skiprun.experiment.compare",
    "evaluate": "skiprun.experiment.evaluating",
    "export": "skiprun.experiment.export",
    "load_model": "skiprun.experiment.finished",
    "load_run": "skiprun.experiment.finished",
    "predict": "skiprun.experiment.predict",
    "reproduce": "skiprun.experiment.reproduction.reproduce",
    "runs": "skiprun.reports.listing",
    "study": "skiprun.experiment.study",
    "train": "skiprun.experiment.train",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'skiprun' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]

"""Registries: from names in YAML to things in Python, each with typed facts about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from skiprun.infos import ClaimInfo, ConnectionInfo, DatasetInfo, Info, ModelInfo, StudyInfo, SymptomInfo
from skiprun.registry.entry import Entry
from skiprun.registry.registry import Registry

if TYPE_CHECKING:  # what is registered lies on the floors above, and is known here to mypy alone
    from torch import nn

    from skiprun.claims.measured import Measured
    from skiprun.claims.quantity import Quantity
    from skiprun.claims.symptom import Symptom
    from skiprun.connections import Connection
    from skiprun.data.loaders import Loaders
    from skiprun.probes.base import Probe
    from skiprun.results.run_log import RunLog
    from skiprun.studies.base import StudyResult
    from skiprun.tasks.base import Task

__all__ = [
    "CLAIMS",
    "CONNECTIONS",
    "DATASETS",
    "MODELS",
    "PROBES",
    "REGISTRIES",
    "STUDIES",
    "SYMPTOMS",
    "TASKS",
    "Entry",
    "Registry",
    "forget",
]

CONNECTIONS: Registry[type[Connection], ConnectionInfo] = Registry(
    "connection", "skiprun.connections", ConnectionInfo
)
MODELS: Registry[Callable[..., nn.Module], ModelInfo] = Registry(
    "model", "skiprun.models.families", ModelInfo
)
DATASETS: Registry[Callable[..., Loaders], DatasetInfo] = Registry(
    "dataset", "skiprun.data.datasets", DatasetInfo
)
TASKS: Registry[Callable[..., Task], Info] = Registry("task", "skiprun.tasks", Info)
PROBES: Registry[type[Probe], Info] = Registry("probe", "skiprun.probes", Info)
STUDIES: Registry[Callable[..., StudyResult], StudyInfo] = Registry("study", "skiprun.studies", StudyInfo)
CLAIMS: Registry[Callable[[Measured], list[Quantity]], ClaimInfo] = Registry(
    "claim", "skiprun.claims.published", ClaimInfo
)
SYMPTOMS: Registry[Callable[[RunLog], Symptom | None], SymptomInfo] = Registry(
    "symptom", "skiprun.claims.symptoms", SymptomInfo
)
REGISTRIES: tuple[Registry, ...] = (CONNECTIONS, MODELS, DATASETS, TASKS, PROBES, STUDIES, CLAIMS, SYMPTOMS)


def forget(module: str) -> None:
    """Take out what a module registered, before it is imported anew."""
    for registry in REGISTRIES:
        for name, entry in [*registry.entries.items()]:
            if entry.module == module:
                del registry.entries[name]

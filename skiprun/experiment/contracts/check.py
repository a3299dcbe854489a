"""Try the contracts on what a plug-in registers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skiprun.errors import InputError
from skiprun.experiment.contracts.contract import ContractResult, Subject, contracts_of
from skiprun.experiment.plugins import import_plugin
from skiprun.registry import REGISTRIES
from skiprun.system.plugin_file import find_plugin


def check_plugin(
    name: Path | str, root: Path | None = None, told: Callable[[ContractResult], None] = lambda _: None
) -> list[ContractResult]:
    """Import a file of the user's own, or an installed module, and try every contract on what it registers.

    Args:
        name: the file or the module.
        root: where the images of its datasets are, if they need a folder.
        told: of each outcome when it is known.

    Raises:
        InputError: it is not there, or registers nothing.
        BrokenPlugin: it cannot be imported.
    """
    import_plugin(name)
    outcomes = []
    for subject in registered_by(find_plugin(str(name)).module, root):
        for each in contracts_of(subject.kind):
            outcomes.append(each.outcome(subject))
            told(outcomes[-1])
    if not outcomes:
        raise InputError(
            f"{name} registers nothing: a decorator such as @CONNECTIONS.register('name', ...), of "
            "skiprun.registry, makes what it defines a word in configs."
        )
    return outcomes


def registered_by(module: str, root: Path | None) -> list[Subject]:
    """Return what a module registers."""
    return [
        Subject(registry.kind, entry, root)
        for registry in REGISTRIES
        for entry in registry.entries.values()
        if entry.module == module
    ]

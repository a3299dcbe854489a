"""Plug-ins within one process of tests, where a command of its own would forget them."""

from __future__ import annotations

import os
import sys

from skiprun.experiment import plugins
from skiprun.registry import REGISTRIES
from skiprun.registry.modules import own_files


def forget_plugins() -> None:
    """Forget what was imported, registered and trusted from outside the package, as when a command starts."""
    for registry in REGISTRIES:
        for name, entry in [*registry.entries.items()]:
            if entry.module.partition(".")[0] != "skiprun":
                del registry.entries[name]
    for module in own_files:
        sys.modules.pop(module, None)
    own_files.clear()
    plugins._imported.clear()
    os.environ.pop(plugins.TRUSTED, None)

"""The modules of a package and their sources, found without importing them."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import decode_source, find_spec
from pathlib import Path

from skiprun.errors import SkiprunError

own_files: dict[str, Path] = {}  # plug-in files that were imported, by module


def _folders(package: str) -> list[str]:
    """Return the folders of a package, which is not imported."""
    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec else []


def modules_of(package: str) -> Iterator[str]:
    """Yield the modules of a package and of its folders."""
    for module in pkgutil.iter_modules(_folders(package), f"{package}."):
        yield from modules_of(module.name) if module.ispkg else [module.name]


def source_of(module: str) -> str:
    """Return the source of a module without importing it or its package; nothing where a plug-in has none.

    Raises:
        SkiprunError: skiprun is installed without its own.
    """
    if module in own_files:
        return decode_source(own_files[module].read_bytes())
    package = module.rpartition(".")[0]
    spec = PathFinder.find_spec(module, _folders(package)) if package else find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named '{module}'")
    source: str | None = getattr(spec.loader, "get_source", lambda _: None)(module)
    if source is None and module.startswith("skiprun."):
        raise SkiprunError(
            "skiprun is installed without its sources (*.py), from which it lists what there is. "
            "Install it with pip, which keeps them."
        )
    return source or ""

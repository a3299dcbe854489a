"""The modules of a package and their sources, found without importing them."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

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
    """Return the source of a module; neither it nor its package is imported. Nothing where it has none."""
    if module in own_files:
        return own_files[module].read_text(encoding="utf-8")
    package = module.rpartition(".")[0]
    spec = PathFinder.find_spec(module, _folders(package)) if package else find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named '{module}'")
    return Path(spec.origin).read_text(encoding="utf-8") if spec.has_location and spec.origin else ""

"""Copies of the repository, in which modules are mutated: the working tree itself is never touched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def copy_tree(root: Path, copy: Path) -> None:
    """Copy what git knows or would know; in a copy that is there only the tests are replaced.

    So a sample is finished on the code on which it was begun, and survivors meet the tests written since.
    """
    if not copy.exists():
        _copy(root, copy, _files(root))
    else:
        shutil.rmtree(copy / "tests")
        _copy(root, copy, _files(root, "tests"))


def commit(root: Path) -> str:
    """Name the commit, and say so if there are changes of the code beside it."""
    return _git(root, "describe", "--always", "--abbrev=7", "--dirty").strip()


def _files(root: Path, *below: str) -> list[str]:
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", *below)
    return [name for name in listed.split("\0") if name and (root / name).exists()]


def _copy(root: Path, copy: Path, names: list[str]) -> None:
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, copy / name)


def _git(root: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True).stdout

"""A plug-in file: Python of the user's own, compiled from the bytes that were looked at.

So what is checked is what runs.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from skiprun.errors import BrokenPlugin, InputError
from skiprun.system.ordinary_files import read_bytes


@dataclass(frozen=True)
class PluginFile:
    """A file, or an installed module with its file.

    Attributes:
        path: the file, absolute.
        installed: the module's name; empty for a file.
    """

    path: Path
    installed: str = ""

    @property
    def name(self) -> str:
        """The file's name, or the module's: what a config calls it wherever it lies."""
        return self.installed or self.path.name

    @property
    def module(self) -> str:
        """The name under which Python knows the module."""
        place = hashlib.blake2b(str(self.path).encode(), digest_size=4).hexdigest()
        return self.installed or f"skiprun_plugin_{self.path.stem}_{place}"

    @cached_property
    def source(self) -> bytes:
        """What the file holds.

        Raises:
            InputError: it cannot be read.
        """
        try:
            return read_bytes(self.path)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error}).") from None

    @property
    def digest(self) -> str:
        """A digest of the content."""
        return hashlib.blake2b(self.source, digest_size=16).hexdigest()

    def run(self) -> None:
        """Import the module; a file takes the place of what it was before.

        Raises:
            BrokenPlugin: it cannot be imported.
        """
        try:
            if self.installed:
                importlib.import_module(self.installed)
            else:
                self._execute()
        except Exception as error:
            raise BrokenPlugin(str(self.installed or self.path), error) from error

    def _execute(self) -> None:
        module = ModuleType(self.module)
        module.__file__ = str(self.path)
        module.__spec__ = ModuleSpec(self.module, None, origin=str(self.path))
        sys.modules[self.module] = module
        try:
            exec(compile(self.source, self.path, "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del sys.modules[self.module]
            raise


def find_plugin(name: str) -> PluginFile:
    """Return the file that a path means, or that of an installed module; no package is imported for it.

    Raises:
        InputError: there is no such file or module.
    """
    if name.endswith(".py"):
        path = Path(name).expanduser().absolute()
        if not path.is_file():
            raise InputError(f"{path}: there is no such file.")
        return PluginFile(path)
    folders: list[str] | None = None
    spec = None
    for depth in range(1, name.count(".") + 2):
        spec = PathFinder.find_spec(".".join(name.split(".")[:depth]), folders)
        if spec is None:
            break
        folders = list(spec.submodule_search_locations or [])
    if spec is None or not spec.origin or not spec.has_location:
        hint = f" A file is named with its ending: {name}.py." if "." not in name else ""
        raise InputError(f"No module named '{name}' is installed.{hint}")
    return PluginFile(Path(spec.origin), name)

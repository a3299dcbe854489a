"""A registry: from names in YAML to things in Python, each with typed facts about it.

The modules of a package register what they define, and so do plug-ins: modules that other packages name in
the group of entry points `skiprun.plugins`. They are imported when a name is first asked for, so a newcomer's
file is found without being listed anywhere, and commands that need no torch do not load it.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from fnmatch import fnmatch
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from skiprun.errors import BrokenPlugin, UnknownName
from skiprun.registry.entry import Entry, Facts, Target
from skiprun.registry.modules import modules_of, own_files

PLUGINS = "skiprun.plugins"
Source = TypeVar("Source", bound=Callable[[str], Any])


log = logging.getLogger(__name__)


@dataclass
class Registry(Generic[Target, Facts]):
    """Entries of one kind by name, filled by importing every module of its package."""

    kind: str
    package: str
    info: type[Facts]
    entries: dict[str, Entry[Target, Facts]] = field(default_factory=dict)
    filled: bool = False
    sources: dict[str, Callable[[str], Entry[Target, Facts]]] = field(default_factory=dict)

    def register(self, name: str, **facts: Any) -> Callable[[Target], Target]:
        """Return a decorator that enters a thing under a name; a name is given once.

        Raises:
            TypeError: a fact that this kind of entry does not have, or lacks.
        """
        info = self._info(name, facts)
        module = sys._getframe(1).f_globals.get("__name__", "")

        def enter(target: Target) -> Target:
            if name in self.entries:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            self.entries[name] = Entry(name, target, info, module)
            return target

        return enter

    def source(self, name: str) -> Callable[[Source], Source]:
        """Return a decorator for what finds `name:other` in another package, by the other name.

        What is found there is known by name alone: listings do not show it.
        """

        def enter(find: Source) -> Source:
            self.sources[name] = find
            return find

        return enter

    def _info(self, name: str, facts: Mapping[str, Any]) -> Facts:
        """Return what is said of an entry, or refuse it with the facts that there are."""
        try:
            return self.info(**facts)
        except TypeError as error:
            known = ", ".join(each.name for each in fields(self.info))
            raise TypeError(f"{self.kind} '{name}': {error}; its facts may be {known}") from None

    def modules(self) -> list[str]:
        """Return the modules that may register an entry: those of the package, and the plug-ins."""
        plugins = [plugin.module for plugin in entry_points(group=PLUGINS)]
        return [*modules_of(self.package), *dict.fromkeys([*plugins, *own_files])]

    def fill(self) -> None:
        """Import every module, once.

        Raises:
            BrokenPlugin: one of another package cannot be imported.
        """
        if not self.filled:
            self.filled = True
            try:
                for module in self.modules():
                    with self.naming_plugin(module):
                        importlib.import_module(module)
            except Exception:
                self.filled = False
                raise

    @contextmanager
    def naming_plugin(self, module: str) -> Iterator[None]:
        """Turn any error of a module of another package within into a BrokenPlugin that names it."""
        try:
            yield
        except Exception as error:
            if module.startswith(f"{self.package}."):
                raise
            raise BrokenPlugin(module, error) from error

    def __getitem__(self, name: str) -> Entry[Target, Facts]:
        """Return the entry of a name, or raise UnknownName with the nearest one."""
        if name not in self.entries:
            self.fill()
        if name in self.entries:
            return self.entries[name]
        source, _, inner = name.partition(":")
        if source in self.sources:
            return self.sources[source](inner)
        raise UnknownName(self.kind, name, self.entries)

    def __contains__(self, name: str) -> bool:
        self.fill()
        return name in self.entries or name.partition(":")[0] in self.sources

    def __iter__(self) -> Iterator[Entry[Target, Facts]]:
        self.fill()
        return iter(self.entries.values())

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that match a wild card, in order of registration."""
        return [entry.name for entry in self if fnmatch(entry.name, pattern)]

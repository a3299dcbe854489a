"""Registries: from names in YAML to things in Python.

The modules of a package register what they define. It is imported when a name is first asked for,
so a newcomer's file is found without being listed anywhere, and commands that need no torch do not load it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any, Generic, TypeVar

from skiprun.errors import UnknownName

T = TypeVar("T")


@dataclass(frozen=True)
class Entry(Generic[T]):
    """One registered thing with the facts that the listing commands show."""

    name: str
    target: T
    facts: dict[str, Any]

    @property
    def summary(self) -> str:
        """First line of the target's docstring, unless a fact overrides it."""
        return str(self.facts.get("summary") or (self.target.__doc__ or "").strip().split("\n")[0])


@dataclass
class Registry(Generic[T]):
    """Entries of one kind by name, filled by importing every module of its package."""

    kind: str
    package: str
    entries: dict[str, Entry[T]] = field(default_factory=dict)
    filled: bool = False

    def register(self, name: str, **facts: Any) -> Callable[[T], T]:
        """Return a decorator that enters a thing under a name; a name is given once."""

        def enter(thing: T) -> T:
            if name in self.entries:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            self.entries[name] = Entry(name, thing, facts)
            return thing

        return enter

    def fill(self) -> None:
        """Import every module of the package, once."""
        if not self.filled:
            self.filled = True
            for module in pkgutil.iter_modules(importlib.import_module(self.package).__path__):
                importlib.import_module(f"{self.package}.{module.name}")

    def __getitem__(self, name: str) -> Entry[T]:
        """Return the entry of a name, or raise UnknownName with the nearest one."""
        self.fill()
        try:
            return self.entries[name]
        except KeyError:
            raise UnknownName(self.kind, name, self.entries) from None

    def __contains__(self, name: str) -> bool:
        self.fill()
        return name in self.entries

    def __iter__(self) -> Iterator[Entry[T]]:
        self.fill()
        return iter(self.entries.values())

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that match a wild card, in order of registration."""
        return [entry.name for entry in self if fnmatch(entry.name, pattern)]


CONNECTIONS: Registry[Any] = Registry("connection", "skiprun.connections")
MODELS: Registry[Any] = Registry("model", "skiprun.models.families")
DATASETS: Registry[Any] = Registry("dataset", "skiprun.data.datasets")
TASKS: Registry[Any] = Registry("task", "skiprun.tasks")
PROBES: Registry[Any] = Registry("probe", "skiprun.probes")
STUDIES: Registry[Any] = Registry("study", "skiprun.studies")

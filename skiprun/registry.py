"""Registries: from names in YAML to things in Python, each with typed facts about it.

The modules of a package register what they define, and so do plug-ins: modules that other packages name in
the group of entry points `skiprun.plugins`. They are imported when a name is first asked for, so a newcomer's
file is found without being listed anywhere, and commands that need no torch do not load it.
"""

from __future__ import annotations

import ast
import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from fnmatch import fnmatch
from importlib.machinery import PathFinder
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from skiprun.errors import BrokenPlugin, UnknownName
from skiprun.infos import ClaimInfo, ConnectionInfo, DatasetInfo, Info, ModelInfo, StudyInfo

if TYPE_CHECKING:  # what is registered lies on the floors above, and is known here to mypy alone
    from torch import nn

    from skiprun.claims.measured import Measured
    from skiprun.claims.quantity import Quantity
    from skiprun.connections import Connection
    from skiprun.data.loaders import Loaders
    from skiprun.probes.base import Probe
    from skiprun.studies.base import StudyResult
    from skiprun.tasks.base import Task


PLUGINS = "skiprun.plugins"
Target = TypeVar("Target")
Facts = TypeVar("Facts", bound=Info)


log = logging.getLogger(__name__)

# Plug-in files that were imported: their place and the digest of what they held, by module.
own_files: dict[str, tuple[Path, str]] = {}


def _folders(package: str) -> list[str]:
    """Return the folders of a package, which is not imported."""
    spec = find_spec(package)
    return list(spec.submodule_search_locations or []) if spec else []


def _modules(package: str) -> Iterator[str]:
    """Yield the modules of a package and of its folders."""
    for module in pkgutil.iter_modules(_folders(package), f"{package}."):
        yield from _modules(module.name) if module.ispkg else [module.name]


def _source(module: str) -> str:
    """Return the source of a module; neither it nor its package is imported. Nothing where it has none."""
    if module in own_files:
        return own_files[module][0].read_text(encoding="utf-8")
    package = module.rpartition(".")[0]
    spec = PathFinder.find_spec(module, _folders(package)) if package else find_spec(module)
    if spec is None:
        raise ModuleNotFoundError(f"No module named '{module}'")
    return Path(spec.origin).read_text(encoding="utf-8") if spec.has_location and spec.origin else ""


@dataclass(frozen=True)
class Entry(Generic[Target, Facts]):
    """One registered thing with what is said of it."""

    name: str
    target: Target
    info: Facts

    @property
    def summary(self) -> str:
        """First line of the target's docstring, unless its info has another."""
        return self.info.summary or (self.target.__doc__ or "").strip().split("\n")[0]


class Declaration(NamedTuple):
    """What the source of a module says of something that it registers."""

    module: str
    definition: ast.FunctionDef | ast.ClassDef
    register: ast.Call

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (ast.get_docstring(self.definition) or "").split("\n")[0]


@dataclass
class Registry(Generic[Target, Facts]):
    """Entries of one kind by name, filled by importing every module of its package."""

    kind: str
    package: str
    info: type[Facts]
    entries: dict[str, Entry[Target, Facts]] = field(default_factory=dict)
    filled: bool = False

    def register(self, name: str, **facts: Any) -> Callable[[Target], Target]:
        """Return a decorator that enters a thing under a name; a name is given once.

        Raises:
            TypeError: a fact that this kind of entry does not have, or lacks.
        """
        info = self._info(name, facts)

        def enter(target: Target) -> Target:
            if name in self.entries:
                raise ValueError(f"{self.kind} '{name}' is registered twice")
            self.entries[name] = Entry(name, target, info)
            return target

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
        return [*_modules(self.package), *dict.fromkeys([*plugins, *own_files])]

    def fill(self) -> None:
        """Import every module, once.

        Raises:
            BrokenPlugin: one of another package cannot be imported.
        """
        if not self.filled:
            self.filled = True
            try:
                for module in self.modules():
                    with self._naming_plugin(module):
                        importlib.import_module(module)
            except Exception:
                self.filled = False
                raise

    def listed(self) -> dict[str, Declaration]:
        """Return what decorators register, by name, read from the sources: for commands that must start fast.

        A plug-in that cannot be read is logged, so that no command is lost for it but its own.
        """
        found: dict[str, Declaration] = {}
        for module in self.modules():
            try:
                with self._naming_plugin(module):
                    source = ast.parse(_source(module), filename=module)
            except BrokenPlugin as error:
                log.warning(str(error))
                continue
            for node in source.body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    found |= {name: Declaration(module, node, call) for name, call in self._calls_in(node)}
        return found

    @contextmanager
    def _naming_plugin(self, module: str) -> Iterator[None]:
        """Turn any error of a module of another package within into a BrokenPlugin that names it."""
        try:
            yield
        except Exception as error:
            if module.startswith(f"{self.package}."):
                raise
            raise BrokenPlugin(module, error) from error

    def _calls_in(self, node: ast.FunctionDef | ast.ClassDef) -> Iterator[tuple[str, ast.Call]]:
        """Yield the names under which the decorators of a definition enter it, with the calls."""
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(
                    func=ast.Attribute(value=ast.Name(id=registry), attr="register"),
                    args=[ast.Constant(value=str(name)), *_],
                ) if globals().get(registry) is self:
                    yield name, decorator

    def __getitem__(self, name: str) -> Entry[Target, Facts]:
        """Return the entry of a name, or raise UnknownName with the nearest one."""
        if name not in self.entries:
            self.fill()
        try:
            return self.entries[name]
        except KeyError:
            raise UnknownName(self.kind, name, self.entries) from None

    def __contains__(self, name: str) -> bool:
        self.fill()
        return name in self.entries

    def __iter__(self) -> Iterator[Entry[Target, Facts]]:
        self.fill()
        return iter(self.entries.values())

    def names(self, pattern: str = "*") -> list[str]:
        """Return the names that match a wild card, in order of registration."""
        return [entry.name for entry in self if fnmatch(entry.name, pattern)]


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


REGISTRIES: tuple[Registry, ...] = (CONNECTIONS, MODELS, DATASETS, TASKS, PROBES, STUDIES, CLAIMS)


def forget(module: str) -> None:
    """Take out what a module registered, before it is imported anew."""
    for registry in REGISTRIES:
        for name, entry in [*registry.entries.items()]:
            if getattr(entry.target, "__module__", "") == module:
                del registry.entries[name]

"""What modules register, read from their sources: for commands that must start fast."""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from skiprun import registry as registries
from skiprun.errors import BrokenPlugin
from skiprun.registry.modules import source_of
from skiprun.registry.registry import Registry

log = logging.getLogger(__name__)


Definition: TypeAlias = ast.FunctionDef | ast.ClassDef


class Declaration(NamedTuple):
    """What the source of a module says of something that it registers."""

    module: str
    definition: Definition
    register: ast.Call

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return summary_line(self.definition)


def declarations(registry: Registry[Any, Any]) -> dict[str, Declaration]:
    """Return what decorators such as `@MODELS.register(...)` enter in a registry, by name.

    A plug-in that cannot be read is logged, so that no command is lost for it but its own.
    """
    found: dict[str, Declaration] = {}
    variable = next(name for name, each in vars(registries).items() if each is registry)
    for module in registry.modules():
        try:
            with registry.naming_plugin(module):
                definitions = definitions_of(module)
        except BrokenPlugin as error:
            log.warning(str(error))
            continue
        for node in definitions:
            found |= {name: Declaration(module, node, call) for name, call in _calls(node, variable)}
    return found


def definitions_of(module: str) -> list[Definition]:
    """Return the functions and classes of a module."""
    source = ast.parse(source_of(module), filename=module)
    return [node for node in source.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def summary_line(definition: Definition) -> str:
    """Return the first line of the docstring of a function or a class."""
    return (ast.get_docstring(definition) or "").split("\n")[0]


def _calls(node: Definition, variable: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the names under which the decorators of a definition enter it, with the calls."""
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id=registry), attr="register"),
                args=[ast.Constant(value=str(name)), *_],
            ) if registry == variable:
                yield name, decorator

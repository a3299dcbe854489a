"""A study as its source declares it: help and checked options before torch is loaded."""

from __future__ import annotations

import ast
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal

from pydantic import Field

from skiprun.infos import StudyInfo
from skiprun.registry import Entry
from skiprun.registry.declarations import Declaration, Definition
from skiprun.studies.signature import CALLERS, Count, Seed

UNREAD = (NameError, AttributeError, TypeError, ValueError)
TYPES = {
    "Annotated": Annotated,
    "Any": Any,
    "Count": Count,
    "Field": Field,
    "Literal": Literal,
    "Seed": Seed,
}


def declared_study(name: str, declaration: Declaration) -> Entry[Any, StudyInfo]:
    """Return a study that has the declared signature, docstring and facts, and cannot be called.

    Raises:
        UNREAD: only an import of its module can tell the type or the value of something, or what is wrong.
    """
    parameters = declared_parameters(declaration.definition)

    def study() -> None:
        """Stand for the function."""

    study.__doc__ = ast.get_docstring(declaration.definition)
    study.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    study.__annotations__ = {
        each.name: each.annotation for each in parameters if each.annotation is not each.empty
    }
    return Entry(name, study, StudyInfo(**declared_facts(declaration.register)), declaration.module)


def declared_parameters(definition: Definition) -> list[Parameter]:
    """Return the parameters of a function; those that a user chooses have types and defaults."""
    if isinstance(definition, ast.ClassDef):
        raise ValueError(f"{definition.name} is a class")
    given = definition.args
    needed = [
        Parameter(each.arg, Parameter.POSITIONAL_OR_KEYWORD) for each in [*given.posonlyargs, *given.args]
    ]
    chosen = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    return [*needed, *(declared_option(each, default) for each, default in chosen if default)]


def declared_option(argument: ast.arg, default: ast.expr) -> Parameter:
    """Return a parameter given by keyword; what the caller of a study gives needs no type."""
    if argument.arg in CALLERS:
        return Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=None)
    hint = eval(ast.unparse(argument.annotation), dict(TYPES)) if argument.annotation else Any
    return Parameter(argument.arg, Parameter.KEYWORD_ONLY, default=ast.literal_eval(default), annotation=hint)


def declared_facts(register: ast.Call) -> dict[str, Any]:
    """Return the facts that a study is registered with, but for its figures, which no command needs."""
    return {
        each.arg: ast.literal_eval(each.value)
        for each in register.keywords
        if each.arg and each.arg != "figures"
    }

"""Check arguments of public Python functions against their type hints, with errors in plain words."""

from __future__ import annotations

import collections.abc
import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from skiprun.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")
Hint = Any
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False", NoneType: "None"}


def checked_arguments(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that raises InputError for arguments of other types than its hints say."""
    signature = inspect.signature(function)
    hints = functools.cache(lambda: get_type_hints(function, include_extras=True))

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            if name in hints() and not fits(value, hints()[name]) and name != _rest(signature):
                found, allowed = f"{value!r:.60}", type_in_words(hints()[name])
                raise InputError(f"{function.__name__}(): {name} is {found}; it must be {allowed}.")
        return function(*args, **kwargs)

    return call


def _rest(signature: inspect.Signature) -> str | None:
    """Return the name of what holds all other arguments."""
    kinds = {each.kind: each.name for each in signature.parameters.values()}
    return kinds.get(inspect.Parameter.VAR_KEYWORD)


def fits(value: Any, hint: Hint) -> bool:
    """Tell whether a value is of a type; of what it holds, too."""
    origin: object = get_origin(hint)
    inside = get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(fits(value, each) for each in inside)
    if origin is Annotated:
        least, most = _bounds(hint)
        return fits(value, inside[0]) and least <= value <= most
    if origin is Literal:
        return value in inside
    if origin is collections.abc.Callable:
        return callable(value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            fits(key, inside[0]) and fits(value[key], inside[1]) for key in value
        )
    if origin is Sequence:
        is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        return is_list and all(fits(each, inside[0]) for each in value)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def _bounds(hint: Hint) -> tuple[float, float]:
    """Return the least and the greatest value that a pydantic field allows."""
    metadata = get_args(hint)[1].metadata
    least = next((each.ge for each in metadata if hasattr(each, "ge")), -math.inf)
    return least, next((each.le for each in metadata if hasattr(each, "le")), math.inf)


def type_in_words(hint: Hint) -> str:
    """Return a type as a person would say it."""
    origin: object = get_origin(hint)
    inside = get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(map(type_in_words, inside))
    if origin is Annotated:
        least, most = _bounds(hint)
        return f"{type_in_words(inside[0])} from {least} to {most:,}"
    if origin is Literal:
        return " or ".join(map(repr, inside))
    if origin is collections.abc.Callable:
        return "a function"
    if origin is Sequence:
        return f"a list, each {type_in_words(inside[0])}"
    if origin is Mapping:
        return "a dict"
    return WORDS.get(hint) or f"a {hint.__name__}"

"""Check the options of a model or connection against the signature of its builder, by name and type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from functools import partial
from types import NoneType, UnionType
from typing import Literal, get_args, get_origin, get_type_hints

from skiprun.errors import OptionError, did_you_mean
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.system.arguments import Hint

LARGEST = 10**9
WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}


def options_of(thing: Callable[..., object]) -> dict[str, Hint]:
    """Return the options of a builder or a connection by name with their types; other arguments are none."""
    target = thing.func if isinstance(thing, partial) else thing
    hints = get_type_hints(getattr(target, "__init__", None) if inspect.isclass(target) else target)
    given = inspect.signature(thing).parameters.values()
    known = [each.name for each in given if each.name in hints and each.kind is not each.VAR_KEYWORD]
    bare = {name: _bare(hints[name]) for name in known}
    return {name: hint for name, hint in bare.items() if _is_option(name, hint)}


def _bare(hint: Hint) -> Hint:
    """Return a type without its None, which stands for the network's own choice."""
    origin: object = get_origin(hint)
    kinds = [each for each in get_args(hint) if each is not NoneType]
    return kinds[0] if origin is UnionType and len(kinds) == 1 else hint


def _is_option(name: str, hint: Hint) -> bool:
    # The data decides the first two, and the architecture's name which of torchvision's networks it is.
    if name in ("num_classes", "in_channels", "name"):
        return False
    return hint in WORDS or hint in (Norm, Activation) or _allowed_words(hint) is not None


def _allowed_words(hint: Hint) -> tuple[str, ...] | None:
    """Return the words that a Literal allows, or None for another type."""
    origin: object = get_origin(hint)
    return get_args(hint) if origin is Literal else None


def convert_options(
    what: str, thing: Callable[..., object], given: Mapping[str, object], fixed: Collection[str] = ()
) -> dict[str, object]:
    """Return options as the thing takes them: names of norms and activations become the parts themselves.

    Args:
        what: the thing's name for messages, such as 'resnet20'.
        thing: a builder, or a connection's class.
        given: options by name.
        fixed: options that the name has decided.

    Raises:
        OptionError: an option that is not there, is fixed, or has a value of another type.
    """
    known = options_of(thing)
    decided = thing.keywords if isinstance(thing, partial) else {}
    own = [name for name in known if name not in fixed]
    for key, value in given.items():
        if key in fixed and value == decided[key]:
            continue
        if key in fixed:
            raise OptionError(key, f"found {value}; {what} has {decided[key]}, by its name")
        if key not in known:
            has = f"It has: {', '.join(own)}" if own else "It has none"
            raise OptionError(key, f"{what} has no such option.{did_you_mean(key, own)} {has}")
    return {key: _convert(key, value, known[key]) for key, value in given.items()}


def _convert(key: str, value: object, hint: Hint) -> object:
    """Return one value as the thing takes it, or refuse it in plain words."""
    for kind, parts in ((Norm, NORMS), (Activation, ACTIVATIONS)):
        if hint == kind and isinstance(value, str) and value in parts:
            return parts[value]
        if hint == kind:
            raise OptionError(key, f"found {value!r}; there are {', '.join(parts)}")
    if (words := _allowed_words(hint)) is not None:
        if value not in words:
            raise OptionError(key, f"found {value!r}; there are {', '.join(words)}")
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise OptionError(key, f"found {value!r}; {WORDS[hint]} is needed")
    if isinstance(value, int) and value > LARGEST:
        raise OptionError(key, f"found {value:.3g}; it must be {LARGEST:,} or less")
    return value

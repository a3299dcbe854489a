"""The options of networks and connections as people read them: type, default, meaning, from the sources."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypedDict

from pydantic import TypeAdapter

from skiprun.config import ModelConfig
from skiprun.config.type_words import type_words
from skiprun.models.layers.norm_act import ACTIVATIONS, NORMS, Activation, Norm
from skiprun.models.options import options_of
from skiprun.registry import CONNECTIONS, MODELS
from skiprun.system.argument_docs import argument_docs
from skiprun.system.arguments import Hint

if TYPE_CHECKING:
    from skiprun.connections import Connection

# Parts of networks that a config names.
PARTS: dict[Hint, Mapping[str, object]] = {Norm: NORMS, Activation: ACTIVATIONS}


class OptionRow(TypedDict):
    """An option.

    Attributes:
        key: where a config says it, below `model`.
        type: in plain words.
        default: as plain data; None is the network's own choice.
    """

    key: str
    type: str
    default: object
    meaning: str


def network_options(config: ModelConfig) -> list[OptionRow]:
    """Return what may be said of a network beside its name, and of the connection that it is built around."""
    entry = MODELS[config.name]
    known = ModelConfig.model_fields
    meanings = {name: field.description or "" for name, field in known.items()} | argument_docs(entry.target)
    names = [name for name in options_of(entry.target) if name not in entry.info.fixed]
    keys = {name: name if name in known else f"options.{name}" for name in names}
    rows = _rows(entry.target, keys, meanings, {})
    own = entry.info.connection
    if (name := config.connection or own) is None:
        return rows
    changed = entry.info.connection_options if name == own else {}
    return rows + connection_options(CONNECTIONS[name].target, changed)


def connection_options(
    connection: type[Connection], changed: Mapping[str, object] | None = None
) -> list[OptionRow]:
    """Return the options of a connection; a network may have changed some defaults."""
    keys = {name: f"connection_options.{name}" for name in options_of(connection)}
    return _rows(connection, keys, argument_docs(connection), changed or {})


def _rows(
    thing: Callable[..., object],
    keys: Mapping[str, str],
    meanings: Mapping[str, str],
    changed: Mapping[str, object],
) -> list[OptionRow]:
    """Return some options of a builder or a class, by the keys that a config has for them."""
    hints, parameters = options_of(thing), inspect.signature(thing).parameters
    return [
        {
            "key": key,
            "type": _type(hints[name]),
            "default": _plain(changed.get(name, parameters[name].default)),
            "meaning": meanings.get(name, "").removesuffix("."),
        }
        for name, key in keys.items()
    ]


def _type(hint: Hint) -> str:
    """Return the type of an option in plain words."""
    if hint in PARTS:
        return type_words({"enum": list(PARTS[hint])})
    return type_words(TypeAdapter(hint).json_schema())


def _plain(default: object) -> object:
    """Return a default as a config would say it."""
    names = [name for parts in PARTS.values() for name, part in parts.items() if part is default]
    return names[0] if names else default

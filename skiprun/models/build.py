"""From a name and options to a network, with refusals in plain words."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from skiprun.connections import Connection
from skiprun.errors import OptionError, did_you_mean
from skiprun.registry import CONNECTIONS, MODELS, Entry

GIVEN_BY_US = ("num_classes", "in_channels", "connection")


def build_model(
    name: str, num_classes: int = 10, in_channels: int = 3, *, connection: str | None = None, **options: Any
) -> nn.Module:
    """Build a network of the registry; weights come from torch's global generator.

    Args:
        name: an architecture of `skiprun models`.
        num_classes: size of the output.
        in_channels: channels of the pictures.
        connection: a connection of `skiprun connections`; None takes the architecture's own.
        options: options of the family, such as `shortcut="B"` or `width=32`.

    Raises:
        UnknownName: no such architecture or connection.
        OptionError: an option or a connection that this architecture does not take.
    """
    entry = MODELS[name]
    own = entry.facts.get("connection")
    if own is not None:
        options["connection"] = fitting_connection(entry, connection or own)
    elif connection is not None:
        raise OptionError("connection", f"{name} has no connection sites, so none can be chosen")
    check_options(entry, options)
    model: nn.Module = entry.thing(num_classes, in_channels, **options)
    return model


def fitting_connection(entry: Entry[Any], name: str) -> type[Connection]:
    """Return a connection by name, or refuse it with those that fit the architecture."""
    chosen: type[Connection] = CONNECTIONS[name].thing
    fits = connections_that_fit(entry)
    if name not in fits:
        raise OptionError("connection", f"'{name}' does not fit {entry.name}. These fit: {', '.join(fits)}")
    return chosen


def connections_that_fit(entry: Entry[Any]) -> list[str]:
    """Return the connections that an architecture takes; by default those that keep the number of channels."""
    if "connection" not in entry.facts:
        return []
    fits = entry.facts.get("fits", lambda connection: not connection.grows)
    return [each.name for each in CONNECTIONS if fits(each.thing)]


def check_options(entry: Entry[Any], options: dict[str, Any]) -> None:
    """Refuse options that the family's builder does not have."""
    known = set(inspect.signature(entry.thing).parameters)
    for key in options:
        if key not in known:
            own = sorted(known.difference(GIVEN_BY_US))
            raise OptionError(key, f"{entry.name} has no such option.{did_you_mean(key, own)} It has: {', '.join(own)}")

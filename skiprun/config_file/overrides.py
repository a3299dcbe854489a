"""Overrides: one `section.key=value` each, laid over what a file says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from skiprun.config.fields import SOURCES
from skiprun.errors import InputError
from skiprun.system.yaml_file import Plain, parse


class Override(str):
    """A `section.key=value` that something else than --set said, as --root; errors name that."""

    def __new__(cls, option: str, text: str) -> Override:
        """Return the text, which remembers its option."""
        self = super().__new__(cls, text)
        self.option = option
        return self

    option: str


# As texts, or in Python {"optim.lr": 0.05} and {"optim": {"lr": 0.05}}, which mean the same.
Overrides = Mapping[str, object] | Sequence[str]


def override_texts(overrides: Overrides) -> list[str]:
    """Return overrides as `section.key=value` texts.

    Raises:
        InputError: a value is neither a number, nor text, nor a list or a dict of these.
    """
    if not isinstance(overrides, Mapping):
        return list(overrides)
    return [Override("overrides", f"{key}={_yaml(key, value)}") for key, value in _dotted(overrides)]


def _dotted(section: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Yield what the sections of a dict hold, with dotted keys."""
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _yaml(key: str, value: object) -> str:
    """Return a value as YAML; a number of numpy or torch, or a path, as what it stands for."""

    def plain(other: object) -> object:
        if isinstance(other, Path):
            return str(other)
        if not getattr(other, "shape", None) and hasattr(other, "item"):
            return other.item()
        raise TypeError

    try:
        return json.dumps(value, default=plain)
    except (TypeError, ValueError):
        found = type(value).__name__
        raise InputError(f"overrides {key}: found a {found}; a number, a text or a list is needed.") from None


def said_by(text: str) -> str:
    """Return the option or the place that said an override."""
    return text.option if isinstance(text, Override) else "--set"


def split_options(name: str) -> tuple[str, str]:
    """Return an architecture and the options behind it: resnet20:width=8 has one, timm:resnet18 has none."""
    architecture, _, options = name.partition(":")
    if architecture in SOURCES:
        inner, _, options = options.partition(":")
        architecture = f"{architecture}:{inner}"
    return architecture, options


def options_behind(name: str, said: str = "") -> list[str]:
    """Return the options behind an architecture's name, as in resnet20:width=8, as overrides.

    Args:
        name: the architecture, perhaps with options.
        said: what errors name; the name if nothing else.
    """
    options = filter(None, split_options(name)[1].split(","))
    return [Override(said or name, f"model.{option}") for option in options]


def key_of(text: str) -> str:
    """Return the key of a `section.key=value`."""
    return text.partition("=")[0].strip()


def override(plain: Plain, source_locations: dict[str, str], text: str) -> None:
    """Lay one `section.key=value` over plain data; problems with it are those of what said it."""
    source, example = "--set", "--set optim.lr=0.05"
    if isinstance(text, Override):
        source, example = text.option, "resnet20:width=8"
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise InputError(f"{source} {text}: found no 'key=value'; write for instance {example}")
    parsed, _ = parse(value, f"{source} {key}")
    *parents, last = key.split(".")
    for depth, parent in enumerate(parents, 1):
        if parent not in plain:
            source_locations[".".join(parents[:depth])] = source
        child = plain.setdefault(parent, {})
        if not isinstance(child, dict):
            raise InputError(f"{source} {text}: '{parent}' is not a section")
        plain = child
    plain[last] = parsed
    for below in [mark for mark in source_locations if mark.startswith(f"{key}.")]:
        del source_locations[below]
    source_locations[key] = source

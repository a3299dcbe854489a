"""Parse plain YAML 1.2 into data and the source location of each key.

PyYAML follows YAML 1.1, whose surprises cost experiments: `1e-4` is text, `no` is false, `0777` is 511, the
last of two equal keys wins. The loader here reads numbers and booleans as YAML 1.2 does; doubled keys,
aliases, tags are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from skiprun.errors import ConfigError, InputError, did_you_mean, printable

Plain = dict[str, Any]  # nested data as YAML has it
MAX_BYTES = 100_000  # PyYAML reads as many in a second at least
MAX_DEPTH = 20
# "C:\new": what stands behind a drive begins a line.
BROKEN_PATH = re.compile(r"[A-Za-z]:.*[\x00-\x1f\x7f-\xa0]", re.DOTALL)
ESCAPES = "in double quotes a backslash begins an escape; write a path with / or in single quotes"


class NotPlainError(yaml.MarkedYAMLError):
    """What YAML has and a config does not."""


class Loader(yaml.SafeLoader):
    """SafeLoader with YAML 1.2's numbers and booleans that gives up at what no config has: tags, depth."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - the base class has it so
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Read a node and what is below it."""
        event = self.peek_event()
        if problem := f"nested more than {MAX_DEPTH} deep" if self.depth > MAX_DEPTH else _not_plain(event):
            raise NotPlainError(problem=problem, problem_mark=event.start_mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _not_plain(event: yaml.Event) -> str | None:
    """Return what a config has no use for, if a part of YAML is that."""
    if isinstance(event, yaml.AliasEvent):
        return "found an alias; write the value out"
    if tag := getattr(event, "tag", None):
        return f"found the tag '{tag}'; only plain YAML is read"
    if isinstance(event, yaml.ScalarEvent) and event.style == '"' and BROKEN_PATH.match(event.value):
        return f"found '{printable(event.value)}'; {ESCAPES}"
    return None


for _tag, _pattern, _first in [
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    # Digits behind a zero, such as skip_levels: 0111, stay text.
    ("float", r"(?![-+]?0[0-9]+$)[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
]:
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: _number(node.value))


def _number(text: str) -> int | str:
    """Return a whole number; one of absurd length stays text and is refused by its field."""
    return int(text) if len(text) < 30 else text


def read_yaml(path: Path) -> tuple[Plain, dict[str, str]]:
    """Return the mapping of a YAML file and the 'file:line:column' of each of its dotted keys."""
    plain, source_locations = parse(_read_text(path), str(path))
    if not isinstance(plain, dict):
        found = "nothing" if plain is None else "a list" if isinstance(plain, list) else "a single value"
        wanted = "a config is a mapping of keys such as 'model:' and 'data:'"
        raise ConfigError([f"{path}: found {found}; {wanted}"])
    return plain, source_locations


def parse(text: str, source: str) -> tuple[object, dict[str, str]]:
    """Return what a YAML text says, and the 'source:line:column' of each of its dotted keys."""
    try:
        root = yaml.compose(text, Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ConfigError([f"{place}: {_reason(error)}"]) from None
    source_locations: dict[str, str] = {}
    if root and (problems := _walk(root, source, "", source_locations)):
        raise ConfigError(problems)
    return Loader("").construct_document(root) if root else None, source_locations


def _reason(error: yaml.YAMLError) -> str:
    """Return in words what is wrong with a text, and the way out for paths as Windows writes them."""
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or str(error).split("\n")[0]
    if isinstance(error, NotPlainError):
        return str(problem)
    return f"not valid YAML: {problem}" + (f"; {ESCAPES}" if "escape" in str(error) else "")


def _read_text(path: Path) -> str:
    """Return the text of an ordinary, small UTF-8 file."""
    try:
        if not path.exists():
            near = did_you_mean(path.name, [file.name for file in path.parent.glob("*.yaml")])
            network = f" A config is a YAML file; for a network, `skiprun compare {path}`."
            raise InputError(f"{path}: there is no such file.{near or network * (not path.suffix)}")
        if not path.is_file():
            raise InputError(f"{path}: found a folder or a device; a config is a YAML file")
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than {MAX_BYTES} bytes; this is not a config")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _walk(node: yaml.Node, file: str, prefix: str, source_locations: dict[str, str]) -> list[str]:
    """Note the place of every key below a node; return what is doubled, or no word."""
    problems: list[str] = []
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            problems += _walk(item, file, f"{prefix}{index}.", source_locations)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            problems += _walk_item(key, value, file, prefix, source_locations)
    return problems


def _walk_item(
    key: yaml.Node, value: yaml.Node, file: str, prefix: str, source_locations: dict[str, str]
) -> list[str]:
    """Note one key of a mapping and what is below it."""
    place = f"{file}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
    if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
        return [f"{place}: found a key that is not a plain word"]
    dotted = prefix + str(key.value)
    if dotted in source_locations:
        first = source_locations[dotted].split(":")[-2]
        return [f"{place} {dotted}: the key is set twice (first at line {first})"]
    source_locations[dotted] = place
    return _walk(value, file, dotted + ".", source_locations)

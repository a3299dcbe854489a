"""Parse plain YAML 1.2 into data and the source location of each key.

A key that is set twice is refused, as is what `skiprun.system.yaml_loaders` knows no use for.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import yaml

from skiprun.errors import ConfigError, InputError, did_you_mean
from skiprun.system.yaml_loaders import ESCAPES, FastLoader, Loader, NotPlainError

Plain = dict[str, Any]  # nested data as YAML has it
MAX_BYTES = 100_000  # PyYAML reads as many in a second at least


def read_yaml(path: Path, by_program: bool = False) -> tuple[Plain, dict[str, str]]:
    """Return the mapping of a YAML file and the 'file:line:column' of each of its dotted keys.

    Args:
        path: the file.
        by_program: a program wrote it, so it is read the fast way.
    """
    plain, source_locations = parse(_read_text(path), str(path), by_program)
    if not isinstance(plain, dict):
        found = "nothing" if plain is None else "a list" if isinstance(plain, list) else "a single value"
        wanted = "a config is a mapping of keys such as 'model:' and 'data:'"
        raise ConfigError([f"{path}: found {found}; {wanted}"])
    return plain, source_locations


def parse(text: str, source: str, by_program: bool = False) -> tuple[object, dict[str, str]]:
    """Return what a YAML text says, and the 'source:line:column' of each of its dotted keys."""
    try:
        root = _composed_fast(text) if by_program else yaml.compose(text, Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
        raise ConfigError([f"{place}: {_reason(error)}"]) from None
    source_locations: dict[str, str] = {}
    if root and (problems := _walk(root, source, "", source_locations)):
        raise ConfigError(problems)
    return Loader("").construct_document(root) if root else None, source_locations


def _composed_fast(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML text; what is wrong with one is said in PyYAML's own words."""
    with contextlib.suppress(yaml.YAMLError):
        return yaml.compose(text, FastLoader)
    return yaml.compose(text, Loader)


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
            network = f" A config is a YAML file; for a network, `skiprun train {path}`."
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

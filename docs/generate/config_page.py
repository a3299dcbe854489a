"""The page of all keys of a config, from the rows that `skiprun config` prints."""

from __future__ import annotations

from collections.abc import Iterator

from skiprun.config import Role
from skiprun.config.reference import Key, by_section, keys_of
from skiprun.config.type_words import yaml_text

HEAD = """\
# The keys of a config

Written by `make docs` from `skiprun/config/`; `skiprun config` prints the same, `skiprun config optim` one
section and `skiprun config optim.lr` all that is said of one key.

One YAML file is one experiment. Only `model.name`, `data.name` and the length in `schedule` are required;
silence means the default. A value that is called nothing here is written `null` in a file. Every key can be
overridden: `skiprun train FILE optim.lr=0.05`, or `--set optim.lr=0.05`.

An editor with a YAML language server explains and checks the keys while they are typed: the first line of the
files in `configs/` names [the schema](../configs/schema.json). `skiprun config --schema > schema.json` writes
one with the names of your own plug-ins.

The last column says what a key decides:
"""
COLUMNS = ["key", "type", "default", "meaning", "example", "decides"]


def config_page() -> str:
    """Return the page as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    keys = keys_of()
    yield HEAD
    yield from (f"- {role.name.lower()}: {role.value}" for role in Role)
    titles = {key.key: f"{key.meaning[0].upper()}{key.meaning[1:]}." for key in keys}
    for section, group in by_section(keys).items():
        yield f"\n## {f'`{section}`' if section else 'At the top'}\n"
        yield from (f"{title}\n" for title in [titles.get(section)] if title)
        yield f"| {' | '.join(COLUMNS)} |"
        yield "|" + "---|" * len(COLUMNS)
        yield from map(_row, group)
    yield ""


def _row(key: Key) -> str:
    """Return a row of a table."""
    default = key.default_text if key.required or key.default is None else f"`{key.default_text}`"
    cells = [f"`{key.name}`", key.type, default, key.meaning, f"`{yaml_text(key.example)}`", key.role_name]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

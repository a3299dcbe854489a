"""The page of all keys of a config, from the rows that `skiprun config` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from skiprun.config import Role
from skiprun.config.reference import Key, by_section, keys_of
from skiprun.config.sweep import SweepConfig
from skiprun.config.type_words import SECTION, yaml_text

HEAD = """\
# The keys of a config

Written by `make docs` from `skiprun/config/`; `skiprun config` prints the same, `skiprun config optim` one
section and `skiprun config optim.lr` all that is said of one key.

One YAML file is one experiment. Only `model.name`, `data.name` and the length in `schedule` are required;
silence means the default. A value that is called nothing here is written `null` in a file. Every key can be
overridden: `skiprun train FILE optim.lr=0.05`, or `--set optim.lr=0.05`.

An editor with a YAML language server explains and checks the keys while they are typed: the first line of the
files in `configs/` names [the schema](../configs/schema.json). `skiprun config --schema > schema.json` writes
one with the names of plug-ins that are installed, and with `--import my_connections.py` those of that file.

The last column says what a key decides:
"""
SWEEP_HEAD = """
## A sweep file

`skiprun sweep FILE` reads another kind of file: a config, what is varied over it, and seeds. KEY is a dotted
key of a config, such as `optim.lr` or `model.options.widen`. Examples are in `configs/sweeps/`, with
[their schema](../configs/sweeps/schema.json).
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
        yield from _table(COLUMNS, [[f"`{key.name}`", *_said(key), key.role_name] for key in group])
    yield SWEEP_HEAD
    swept = [key for key in keys_of(whole=SweepConfig) if key.type != SECTION]
    yield from _table(COLUMNS[:-1], [[f"`{key.key}`", *_said(key)] for key in swept])
    yield ""


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table."""
    yield f"| {' | '.join(columns)} |"
    yield "|" + "---|" * len(columns)
    for cells in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _said(key: Key) -> list[str]:
    """Return what is said of a key: its type, default, meaning and an example."""
    default = key.default_text if key.required or key.default is None else f"`{key.default_text}`"
    return [key.type, default, key.meaning, f"`{yaml_text(key.example)}`"]

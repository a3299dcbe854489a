"""`_base_`: files whose keys hold where a config is silent, as in mmengine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from skiprun.config.templates import PROTOCOLS
from skiprun.config_file.problems import quoted
from skiprun.errors import ConfigError, did_you_mean
from skiprun.system.yaml_file import Plain

BASE = "_base_"
Said = tuple[Plain, dict[str, str]]  # by a file, and the place of each key


def over_bases(path: Path, said: Said, opened: tuple[Path, ...], read: Callable[..., Said]) -> Said:
    """Return what a file says over its bases, a later one over an earlier, but for the names of their runs.

    Args:
        path: the file.
        said: by itself.
        opened: the files that name it as their base.
        read: reads a base, given its path and the files that are opened.

    Raises:
        ConfigError: a base is not there, or is the file itself.
    """
    plain, places = said
    given = plain.pop(BASE, [])
    names = [given] if isinstance(given, str) else given
    place, opened = f"{places.get(BASE, path)} {BASE}", (*opened, path.resolve())
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError([f"{place}: found {quoted(given)}; a file, or a list of files, is needed"])
    whole, where = Plain(), dict[str, str]()
    for name in names:
        file = _find_base(path, name, place)
        if file.resolve() in opened:
            raise ConfigError([f"{place}: found '{name}', which is built on this file itself"])
        below, there = read(file, opened)
        below.pop("name", None)
        whole, where = _over(whole, below), where | there
    return _over(whole, plain), where | places


def _find_base(path: Path, name: str, place: str) -> Path:
    """Return a base that lies beside a file, or comes with the package."""
    beside = path.parent / Path(name).expanduser()
    if found := next((each for each in (beside, PROTOCOLS / name) if each.is_file()), None):
        return found
    known = [each.name for each in (*path.parent.glob("*.y*ml"), *PROTOCOLS.iterdir())]
    raise ConfigError([f"{place}: found '{name}', but there is no {beside}.{did_you_mean(name, known)}"])


def _over(below: Plain, above: Plain) -> Plain:
    """Return sections with the keys of both, and else what is above."""
    both = [key for key in below.keys() & above.keys() if isinstance(below[key], dict)]
    sections = {key: _over(below[key], above[key]) for key in both if isinstance(above[key], dict)}
    return below | above | sections

"""Load a YAML file and `--set` overrides into a RunConfig, or report all problems with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from skiprun.config import FileSection, RunConfig, contradictions
from skiprun.config_file.bases import Said, over_bases
from skiprun.config_file.overrides import override
from skiprun.config_file.problems import describe_problem
from skiprun.errors import ConfigError
from skiprun.system.yaml_file import Plain, read_yaml

Whole = TypeVar("Whole", bound=FileSection)


def is_file(name: Path | str) -> bool:
    """Tell whether a name is that of a YAML file, and not of an architecture."""
    path = Path(name).expanduser()
    return path.suffix in (".yaml", ".yml") or path.exists()


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read, complete and check one experiment.

    Args:
        path: the YAML file; its stem becomes the run's name unless the file gives one.
        overrides: `section.key=value` texts, the value in YAML.

    Raises:
        ConfigError: with every problem of the file and the overrides, one line each.
    """
    path = Path(path).expanduser()
    plain, source_locations = read_config(path)
    plain.setdefault("name", stem_name(path))
    return build_config(plain, overrides, source_locations, str(path))


def read_config(path: Path, opened: tuple[Path, ...] = ()) -> Said:
    """Return what a YAML file of an experiment says over its `_base_`, and the place of each key.

    Plug-ins have absolute paths. A run's own config.yaml names none that its run has not recorded.

    Args:
        path: the file.
        opened: the files that name it as their base.
    """
    plain, source_locations = over_bases(path, read_yaml(path), opened, read_config)
    named = plain.get("import")
    names = [named] if isinstance(named, str) else named
    if isinstance(names, list):
        plain["import"] = [_beside(path, name) for name in names]
        if (path.parent / "environment.json").exists():
            plain["imported"] = unrecorded(names) | (plain.get("imported") or {})
    return plain, source_locations


def _beside(path: Path, name: object) -> object:
    """Return a plug-in's file as it is found from a YAML file; an installed module as it is."""
    is_file = isinstance(name, str) and name.endswith(".py")
    return str((path.parent / Path(str(name)).expanduser()).absolute()) if is_file else name


def unrecorded(plugins: Iterable[object]) -> dict[str, str]:
    """Return digests that no plug-in has, by its name: of those that a run names and did not record."""
    return {Path(str(name)).name: "" for name in plugins}


def stem_name(path: Path) -> str:
    """Return what is called by its file, unless the file says otherwise."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)


def build_config(
    plain: Plain,
    overrides: Sequence[str] = (),
    source_locations: dict[str, str] | None = None,
    source: str = "config",
) -> RunConfig:
    """Check plain data with overrides over it; `source_locations` maps dotted keys to 'file:line:column'."""
    source_locations = dict(source_locations or {})
    for text in overrides:
        override(plain, source_locations, text)
    config = complete_config(plain, source_locations, source)
    refuse_contradictions(config)
    return config


def complete_config(plain: Plain, source_locations: dict[str, str], source: str) -> RunConfig:
    """Return plain data as a config with right keys and types, which may yet contradict itself."""
    return validate(RunConfig, plain, source_locations, source)


def validate(kind: type[Whole], plain: Plain, source_locations: dict[str, str], source: str) -> Whole:
    """Return plain data as what a file of a kind says, with right keys and types; see `complete_config`."""
    try:
        config = kind.model_validate(plain)
    except ValidationError as error:
        problems = [describe_problem(each, source_locations, source, kind) for each in error.errors()]
        raise ConfigError(problems) from None
    config._source_locations.update(source_locations)
    return config


def refuse_contradictions(config: RunConfig) -> None:
    """Raise ConfigError, with every problem, for what cannot be built or trained."""
    if problems := [f"{config.place(key)}: {message}" for key, message in contradictions(config)]:
        raise ConfigError(problems)

"""Read a sweep file, and find the config that it varies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.sweep import SweepConfig, sweep_contradictions
from skiprun.config.templates import DIGITS, PROTOCOLS
from skiprun.config_file import stem_name, validate
from skiprun.errors import ConfigError, InputError, UnknownName, did_you_mean
from skiprun.experiment.named import config_for
from skiprun.system.yaml_file import read_yaml


def load_sweep(path: Path, name: str | None, seeds: int | None, halving: bool) -> SweepConfig:
    """Read and check a sweep file.

    Args:
        path: the file.
        name: of the sweep, in place of the file's.
        seeds: of each setting, in place of the file's.
        halving: stop hopeless settings early, by default where the file does not say how.

    Raises:
        ConfigError: with every problem of the file, one line each.
    """
    plain, places = read_yaml(path)
    given: dict[str, object] = {
        "name": name,
        "seeds": seeds,
        "halving": {} if halving and not plain.get("halving") else None,
    }
    options = {key: value for key, value in given.items() if value is not None}
    plain, places = plain | options, places | {key: f"--{key}" for key in options}
    plain.setdefault("name", stem_name(path))
    sweep = validate(SweepConfig, plain, places, str(path))
    if problems := [f"{sweep.place(key)}: {message}" for key, message in sweep_contradictions(sweep)]:
        raise ConfigError(problems)
    return sweep


def varied_config(sweep: SweepConfig, path: Path, overrides: Sequence[str]) -> RunConfig:
    """Return the config that a sweep varies, with overrides.

    Args:
        sweep: what the file says.
        path: the file, beside which a config is looked for.
        overrides: `section.key=value`.

    Raises:
        InputError: there is none of that name.
    """
    name, place = sweep.config, sweep.place("config")
    if not name.endswith((".yaml", ".yml")):
        try:
            return config_for(name, DIGITS, overrides)
        except UnknownName as error:
            raise InputError(f"{place}: {error}") from None
    places = [path.parent / Path(name).expanduser(), PROTOCOLS / Path(name).name]
    if found := next((file for file in places if file.is_file()), None):
        return config_for(str(found), DIGITS, overrides)
    known = [file.name for file in (*path.parent.glob("*.y*ml"), *PROTOCOLS.iterdir())]
    raise InputError(f"{place}: found {name}, but there is no {places[0]}.{did_you_mean(name, known)}")

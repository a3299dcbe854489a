"""The arms of a sweep: settings of some keys of a config, from a grid or drawn at random."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skiprun.config import Role, RunConfig, role_of
from skiprun.config.sweep import MOST_ARMS, SweepConfig
from skiprun.config.type_words import yaml_text
from skiprun.config_file import Override, key_of, said_by
from skiprun.errors import InputError
from skiprun.experiment.named import label_of, shortened
from skiprun.experiment.sweeps.draws import draw_settings
from skiprun.system.yaml_file import parse


@dataclass(frozen=True)
class Arm:
    """Some keys of a config with a value each.

    Attributes:
        settings: values by dotted key.
        label: what people call it: lr=0.1 connection=add.
        overrides: the same as `key=value`, which errors blame on the place that they come from.
    """

    settings: Mapping[str, object]
    label: str
    overrides: tuple[Override, ...]

    @property
    def name(self) -> str:
        """What the directory of its runs is called."""
        return shortened(label_of(self.label))

    def called(self, config: RunConfig) -> RunConfig:
        """Return a config whose name tells this arm too."""
        return config.replace(name=shortened(f"{config.name}-{label_of(self.label)}"))


def list_arms(sweep: SweepConfig) -> list[Arm]:
    """Return every arm of a sweep, in order."""
    found = combinations(sweep.grid) if sweep.grid else []
    if sweep.random:
        found = list(draw_settings(sweep.random))
        if len(found) < sweep.random.number:
            raise InputError(
                f"{sweep.place('random.number')}: found {sweep.random.number}, but there are about "
                f"{len(found)} different settings; ask for no more, or give a grid."
            )
    places = {key: sweep.place(own).removesuffix(f" {own}") for key, own in sweep.keys.items()}
    return [arm_of(settings, places) for settings in found]


def combinations(grid: Mapping[str, Sequence[object]]) -> list[dict[str, object]]:
    """Return every combination of the values of some keys; the last key changes fastest."""
    return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]


def arm_of(settings: Mapping[str, object], places: Mapping[str, str]) -> Arm:
    """Return an arm; a key is called by its last part where no other ends alike."""
    ends = [key.rpartition(".")[2] for key in settings]
    words = [
        f"{end if ends.count(end) == 1 else key}={yaml_text(value)}"
        for (key, value), end in zip(settings.items(), ends, strict=True)
    ]
    overrides = [Override(places[key], f"{key}={json.dumps(value)}") for key, value in settings.items()]
    return Arm(settings, " ".join(words), tuple(overrides))


def keys_of_grid(texts: Sequence[str]) -> list[str]:
    """Return the keys of `key=value,value` texts."""
    return [key_of(text) for text in texts]


def read_grid(texts: Sequence[str]) -> list[Arm]:
    """Return the arms of `key=value,value` texts of a command line, one of no setting where there are none.

    Raises:
        InputError: a text is no such thing, or a key is given twice.
    """
    refuse_no_experiment(dict.fromkeys(keys_of_grid(texts), "--grid"))
    grid: dict[str, Sequence[object]] = {}
    for text in texts:
        key, values = key_of(text), text.partition("=")[2]
        found, _ = parse(f"[{values}]", f"--grid {key}")
        if not key or not isinstance(found, list) or not found:
            raise InputError(f"--grid {text}: write the key and its values, as --grid optim.lr=0.05,0.1,0.2")
        if key in grid:
            raise InputError(f"--grid {text}: {key} is given twice; write all of its values behind one.")
        grid[key] = found
    if (count := math.prod(map(len, grid.values()))) > MOST_ARMS:
        raise InputError(f"--grid: found {count:,} settings; up to {MOST_ARMS:,} are allowed.")
    return [arm_of(settings, dict.fromkeys(grid, "--grid")) for settings in combinations(grid)]


def refuse_no_experiment(places: Mapping[str, str]) -> None:
    """Raise InputError for a key that does not decide what is learned.

    Args:
        places: where each key that is varied was set.
    """
    for key, place in places.items():
        if (role := role_of(key)) is not Role.EXPERIMENT:
            raise InputError(f"{place}: {key} decides {role.value}; vary what is learned, such as optim.lr.")


def refuse_varied(sweep: SweepConfig, overrides: Sequence[str]) -> None:
    """Raise InputError for an override of what a sweep varies."""
    for text in overrides:
        given = key_of(text)
        for key, own in sweep.keys.items():
            if f"{key}.".startswith(f"{given}.") or f"{given}.".startswith(f"{key}."):
                raise InputError(f"{said_by(text)} {text}: {sweep.place(own)} varies that; give one.")

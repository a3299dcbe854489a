"""Command lines that train runs one by one, as the tasks of a SLURM array do."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path

import yaml

from skiprun.config import RunConfig
from skiprun.experiment.planned import Planned
from skiprun.system.files import make_folder, write_text


def write_commands(planned: Iterable[Planned], runs: Path) -> list[str]:
    """Return a line for each run that is missing; the same line again continues the run, or finds it done.

    What a run is stands whole in a file below `commands/` in the folder of all runs, so that a line says the
    same wherever and whenever it is run.
    """
    lines = []
    for item in planned:
        item.refuse_what_is_not_ours()
        if item.config and item.missing:
            file = write_config(item.config, runs.absolute() / "commands")
            lines.append(shlex.join(["skiprun", "train", str(file), "--runs", str(runs.absolute())]))
    return lines


def write_config(config: RunConfig, folder: Path) -> Path:
    """Write a config, and return its file."""
    make_folder(folder)
    file = folder / f"{config.name}-seed-{config.seed}.yaml"
    write_text(file, yaml.safe_dump(config.to_dict(), sort_keys=False))
    return file

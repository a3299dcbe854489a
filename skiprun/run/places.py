"""Where runs lie: the folder of all, and the directories that a name or a path means."""

from __future__ import annotations

import os
from pathlib import Path

from skiprun.errors import did_you_mean

RUNS = Path("runs")


def runs_folder() -> Path:
    """Return the folder of all runs: $SKIPRUN_RUNS, or runs/ in the working folder."""
    return Path(os.environ.get("SKIPRUN_RUNS") or "runs").expanduser()


def run_folder(name: Path | str, root: Path) -> Path:
    """Return the folder that a run's directory or name means; one that holds no run hides none in `root`."""
    here, there = Path(name).expanduser(), root.expanduser() / name
    return there if not here.exists() or (directories_in(there) and not directories_in(here)) else here


def directories_in(folder: Path) -> list[Path]:
    """Return the run directory that a folder is, or those of all seeds that it holds."""
    if (folder / "config.yaml").exists():
        return [folder]
    return [file.parent for file in sorted(folder.glob("seed-*/config.yaml"))]


def directories_below(root: Path) -> list[Path]:
    """Return every run directory of a folder, by name; a name that could steer a terminal is nobody's run."""
    return [file.parent for file in sorted(root.glob("*/seed-*/config.yaml")) if str(file).isprintable()]


def name_of(directory: Path) -> str:
    """Return the name and the seed of a run directory, as in 'resnet56_cifar/seed-0'."""
    return f"{directory.parent.name}/{directory.name}"


def nearest_run(path: Path) -> str:
    """Return ' Did you mean ...?' with the run whose place or name comes nearest to a path, or nothing."""
    root = path.parent.parent if path.name.startswith("seed-") else path.parent
    wanted, there = path.relative_to(root).as_posix(), directories_below(root)
    known = list(dict.fromkeys(name_of(each) if "/" in wanted else each.parent.name for each in there))
    prefixed = [name for name in known if name.endswith(f"-{wanted}")]
    return f" Did you mean '{prefixed[0]}'?" if prefixed else did_you_mean(wanted, known)

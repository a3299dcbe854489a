"""An index of a folder of runs: cached records, read again only when a run's files changed.

The index is a file in the folder. Each entry stands beside the times, sizes and inodes of the files that it
was read from, so that a look at those says whether it still holds. One that is damaged or cannot be written
is done without.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from skiprun.errors import StorageError
from skiprun.run import Run
from skiprun.system.documents import read_cached, write_sealed

NAME = ".index.json"
READ = ("config.yaml", "summary.json", "status.json", "environment.json", "metrics.jsonl")

Marks = list[list[int] | None]  # of each file, see `_marks`


class Numbers(TypedDict):
    """How far a run has got, and its validation and test score."""

    progress: str
    score: str | None
    val: object
    test: object


class RunRow(Numbers):
    """What a listing says of a run."""

    name: str
    path: str
    state: str
    message: str
    model: object
    dataset: object
    when: str | None


class Known(TypedDict):
    """What the file holds, see `Index`."""

    homes: dict[str, tuple[int, list[str]]]
    rows: dict[str, tuple[Marks, RunRow]]


@dataclass
class Index:
    """What is known of a folder of runs.

    Attributes:
        root: the folder.
        homes: by the name of an experiment, when its folder last changed, and its seeds.
        rows: by name and seed, the marks of a run's files, and what was read of them.
        changed: whether the file says less.
    """

    root: Path
    homes: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    rows: dict[str, tuple[Marks, RunRow]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def open(cls, root: Path) -> Index:
        """Return the index of a folder, empty where there is none that can be used."""
        known = read_cached(root / NAME, Known)
        return cls(root, known["homes"], known["rows"]) if known else cls(root)

    def save(self) -> None:
        """Write what is new, where it can be written."""
        if not self.changed:
            return
        with contextlib.suppress(StorageError):
            write_sealed(self.root / NAME, {"homes": self.homes, "rows": self.rows})

    def runs(self) -> list[tuple[int, str]]:
        """Return when each run last wrote something, in nanoseconds, and its name and seed."""
        found, homes = [], {}
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.root) as entries:
            for entry in entries:
                if not entry.is_dir() or entry.name.startswith(".") or not entry.name.isprintable():
                    continue
                with contextlib.suppress(OSError):
                    homes[entry.name] = home = self._home(entry)
                    found += [(_latest(f"{entry.path}/{seed}"), f"{entry.name}/{seed}") for seed in home[1]]
        self.changed |= any(self.homes.get(name, [0])[0] != home[0] for name, home in homes.items())
        self.homes = homes
        return found

    def _home(self, entry: os.DirEntry[str]) -> tuple[int, list[str]]:
        """Return when the folder of an experiment last changed, 0 if it may change unseen, and its seeds."""
        changed = entry.stat().st_mtime_ns
        if (known := self.homes.get(entry.name)) and known[0] == changed:
            return changed, known[1]
        seeds = [path for path in Path(entry.path).glob("seed-*") if path.name.isprintable()]
        begun = [path.name for path in seeds if (path / "config.yaml").exists()]
        return (changed if len(seeds) == len(begun) else 0), begun

    def row(self, name: str, read: Callable[[Run], RunRow]) -> RunRow:
        """Return what is known of a run, read again if a file of it has changed or a process trains it."""
        run = Run(self.root / name)
        marks = [_marks(run.path / file) for file in READ]
        known = self.rows.get(name)
        if known and known[0] == marks and not (known[1]["state"] != "finished" and run.is_locked()):
            return {**known[1], "path": str(run.path)}
        row = read(run)
        # A path in a message may be another one next time.
        if row["state"] != "running" and str(run.path) not in row["message"]:
            self.rows[name], self.changed = (marks, row), True
        return row


def _latest(folder: str) -> int:
    """Return when a run last wrote a row or replaced a file."""
    times = [0]
    for path in (folder, f"{folder}/metrics.jsonl"):
        with contextlib.suppress(OSError):
            times.append(os.stat(path).st_mtime_ns)  # noqa: PTH116 - a Path takes as long to make as the look itself
    return max(times)


def _marks(file: Path) -> list[int] | None:
    """Return what changes with a file; None if there is none."""
    with contextlib.suppress(OSError):
        found = file.stat()
        return [found.st_mtime_ns, found.st_size, found.st_ino]
    return None

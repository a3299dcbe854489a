"""An index of a folder of runs: cached records, read again only when a run's files changed.

The index is a file in the folder. Each entry stands beside the times, sizes and inodes of the files that it
was read from, so that a look at those says whether it still holds. One that is damaged or cannot be written
is done without. Entries are kept as columns: their keys are written once, however many runs there are.
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
READ = ("config.yaml", "summary.json", "status.json", "environment.json", "metrics.jsonl", "tags.json")

Marks = list[list[int] | None]  # of each file, see `_marks`
Entry = dict[str, object]  # what is known of a run by key; its state and message among it


class Known(TypedDict):
    """What the file holds, see `Index`; an entry has a value for each of the keys."""

    homes: dict[str, tuple[int, list[str]]]
    keys: list[str]
    values: dict[str, tuple[Marks, list[object]]]


@dataclass
class Index:
    """What is known of a folder of runs.

    Attributes:
        file: of the index, in the folder.
        homes: by the name of an experiment, when its folder last changed, and its seeds.
        entries: by name and seed, the marks of a run's files, and what was read of them.
        changed: whether the file says less.
    """

    file: Path
    homes: dict[str, tuple[int, list[str]]] = field(default_factory=dict)
    entries: dict[str, tuple[Marks, Entry]] = field(default_factory=dict)
    changed: bool = False

    @classmethod
    def open(cls, root: Path, name: str = NAME) -> Index:
        """Return an index of a folder, empty where there is none that can be used."""
        known = read_cached(root / name, Known)
        if not known or "keys" not in known:  # of an earlier version
            return cls(root / name)
        entries = {
            run: (marks, dict(zip(known["keys"], values, strict=True)))
            for run, (marks, values) in known["values"].items()
        }
        return cls(root / name, known["homes"], entries)

    @property
    def root(self) -> Path:
        """The folder of the runs."""
        return self.file.parent

    def save(self) -> None:
        """Write what is new, where it can be written."""
        if not self.changed:
            return
        keys = list(dict.fromkeys(key for _, entry in self.entries.values() for key in entry))
        values = {
            name: (marks, [entry.get(key) for key in keys]) for name, (marks, entry) in self.entries.items()
        }
        with contextlib.suppress(StorageError):
            write_sealed(self.file, {"homes": self.homes, "keys": keys, "values": values}, indent=None)

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

    def entry(self, name: str, read: Callable[[Run], Entry]) -> Entry:
        """Return what is known of a run, read again if a file of it has changed or a process trains it."""
        run = Run(self.root / name)
        marks = [_marks(f"{run.path}/{file}") for file in READ]
        known = self.entries.get(name)
        if known and known[0] == marks and not (known[1]["state"] != "finished" and run.is_locked()):
            return {**known[1], "path": str(run.path)}
        entry = read(run)
        # A path in a message may be another one next time.
        if entry["state"] != "running" and str(run.path) not in str(entry["message"]):
            self.entries[name], self.changed = (marks, entry), True
        return entry


def _latest(folder: str) -> int:
    """Return when a run began, last wrote a row, or ended; a tag changes nothing of that."""
    times = [0]
    for file in ("config.yaml", "metrics.jsonl", "status.json"):
        with contextlib.suppress(OSError):
            times.append(os.stat(f"{folder}/{file}").st_mtime_ns)  # noqa: PTH116 - a Path takes as long to make
    return max(times)


def _marks(file: str) -> list[int] | None:
    """Return what changes with a file; None if there is none."""
    with contextlib.suppress(OSError):
        found = os.stat(file)  # noqa: PTH116 - as above
        return [found.st_mtime_ns, found.st_size, found.st_ino]
    return None

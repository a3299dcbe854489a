"""The trash: runs that were removed, each moved whole, until they are restored or deleted for good.

A removed run lies in `.trash/<when>/<name>/seed-<s>` of the folder of all runs, which no listing reads. A
move is one rename, so a kill leaves each run in one of the two places, whole.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from skiprun.errors import InputError, did_you_mean
from skiprun.run.directory import Run
from skiprun.run.places import name_of
from skiprun.system.disk import storage_errors
from skiprun.system.files import delete_folder, delete_spare, make_folder

TRASH = ".trash"


def remove_runs(runs: Sequence[Run]) -> list[Path]:
    """Move runs to the trash of their folder and return where they lie; nothing is moved if one is busy.

    Raises:
        RunBusy: a process trains one of them.
        StorageError: one cannot be moved.
    """
    places = []
    with _all_locked(runs):
        when = time.strftime("%Y-%m-%d-%H%M%S")
        for run in runs:
            places.append(_free_place(run, when))
            make_folder(places[-1].parent, below=run.root)
            with storage_errors("move", run.path):
                run.path.rename(places[-1])
            _tidy(run)
    return places


def delete_runs(runs: Sequence[Run]) -> None:
    """Delete runs for good; none if one is busy."""
    with _all_locked(runs):
        for run in runs:
            run.clear()
            _tidy(run)


def restore_runs(root: Path, name: str) -> list[Run]:
    """Put back what was removed last under a name: a run, or all seeds of an experiment.

    Raises:
        InputError: no such run is in the trash, or another one is in its place.
    """
    there = removed(root)
    found = {name_of(path): path for path in there if name in _found_by(path)}  # of equal names the last
    if not found:
        near = did_you_mean(name, [known for path in there for known in _found_by(path)])
        raise InputError(f"No run in {root / TRASH} is called '{name}'.{near}")
    runs = [Run(root / each) for each in found]
    with _all_locked(runs):
        for run in runs:
            _refuse_taken(run)
        for run, path in zip(runs, found.values(), strict=True):
            with storage_errors("move", path):
                path.rename(run.path)
            _remove_empty(path.parent, path.parent.parent, root / TRASH)
    return runs


def _found_by(path: Path) -> tuple[str, str]:
    """Return the names by which a run in the trash is found: its own, and that of its experiment."""
    return name_of(path), path.parent.name


def _refuse_taken(run: Run) -> None:
    """Raise InputError if there is a run where one is to come back."""
    if run.path.exists():
        raise InputError(
            f"{run.path} is there; to have the other one back, first `skiprun runs rm {run.name}`."
        )


def removed(root: Path) -> list[Path]:
    """Return the runs in the trash of a folder, the last one that was removed last."""
    return [
        file.parent
        for file in sorted((root / TRASH).glob("*/*/seed-*/config.yaml"))
        if str(file).isprintable()
    ]


def empty_trash(root: Path) -> None:
    """Delete for good what is in the trash of a folder."""
    delete_folder(root / TRASH)


@contextlib.contextmanager
def _all_locked(runs: Iterable[Run]) -> Iterator[None]:
    """Hold all runs for this process; raise RunBusy if another one holds one."""
    with contextlib.ExitStack() as held:
        for run in runs:
            held.enter_context(run.lock())
        yield


def _free_place(run: Run, when: str) -> Path:
    """Return where a run that is removed now will lie, beside one of its name that just went there."""
    folders = (run.root / TRASH / f"{when}{'-' * bool(n)}{n or ''}" for n in itertools.count())
    return next(folder / run.name for folder in folders if not (folder / run.name).exists())


def _tidy(run: Run) -> None:
    """Delete what is left of a run that is gone: its lock, which this process holds, and an empty folder."""
    for file in (run.guard.owner_file, run.guard.file):
        delete_spare(file)
    _remove_empty(run.path.parent)


def _remove_empty(*folders: Path) -> None:
    """Remove folders that nothing is in."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()

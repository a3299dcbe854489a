"""Runs of a folder, chosen and sorted: what `skiprun runs` prints, from an index of what was read before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiprun.errors import counted
from skiprun.reports.known_runs import KnownRuns
from skiprun.results.index import Entry
from skiprun.results.selection import ROW_KEYS, SAME, ordered, read_selection, refuse_unknown
from skiprun.run import RUNS, Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback
from skiprun.system.shown import Shown, columns_of


@dataclass(frozen=True, repr=False)
class RunListing(Shown):
    """Runs that were asked for.

    Attributes:
        rows: those that are shown; each with all keys.
        total: how many there are.
        further: keys that were asked for beside those of every row.
        asked: whether some were chosen.
    """

    rows: list[Entry]
    total: int
    further: Sequence[str] = ()
    asked: bool = False

    def __repr__(self) -> str:
        return f"<RunListing of {counted(self.total, 'run')}>"

    @property
    def runs(self) -> list[Run]:
        """The runs themselves."""
        return [Run(Path(str(row["path"]))) for row in self.rows]

    def columns(self) -> dict[str, list[Any]]:
        """Return what is known of the runs as columns."""
        return columns_of(self.rows)


@checked_arguments
def runs(
    which: Sequence[str] | str = (),
    *,
    runs: Path | str = RUNS,
    sort: str | None = None,
    reverse: bool = False,
    whole: bool = False,
) -> RunListing:
    """Return what was run, the latest first; what `skiprun runs` does.

        for run in skiprun.runs(["resnet*", "state=finished", "optim.lr<0.1"], sort="test").runs:
            print(run.name, run.summary()["test"])

    Args:
        which: names with * and ?, and conditions, each of which must hold.
        runs: the folder of all runs.
        sort: the key to sort by, rising; None: those that last wrote something come first.
        reverse: the other way round.
        whole: with every key of config and summary.

    Raises:
        InputError: no run has such a key.
    """
    words = [which] if isinstance(which, str) else which
    return list_runs(Path(runs).expanduser(), None, words, sort, reverse, whole)


def list_runs(
    root: Path,
    most: int | None = None,
    words: Sequence[str] = (),
    sort: str | None = None,
    reverse: bool = False,
    whole: bool = False,
    progress: ProgressCallback | None = None,
) -> RunListing:
    """Return the rows of the runs of a folder; only what is new or has changed is read.

    Args:
        root: the folder.
        most: only the first so many; None: all.
        words: which runs, see `read_selection`; rows also have the keys that they name.
        sort: the key to sort by, rising; None: those that last wrote something come first.
        reverse: the other way round.
        whole: rows have every key of config and summary that one of them has.
        progress: told how many runs were looked at.

    Raises:
        InputError: no run has such a key.
    """
    selection, sort = read_selection(words), SAME.get(sort or "", sort)
    used = list(dict.fromkeys([*selection.keys, *([sort] if sort else [])]))
    further = [key for key in used if key not in ROW_KEYS]
    known = KnownRuns(root, whole or bool(further))
    names = [name for name in known.names(oldest_first=reverse and not sort) if selection.takes(name)]
    if not used and not whole:
        return RunListing(known.entries(names[:most], progress), len(names), asked=bool(words))
    entries = known.entries(names, progress)
    if entries:
        refuse_unknown(further, {key for entry in entries for key in entry})
    found = [entry for entry in entries if selection.holds(entry)]
    shown = (ordered(found, sort, reverse) if sort else found)[:most]
    keys = dict.fromkeys([*ROW_KEYS, *(_filled(shown) if whole else further)])
    rows = [{key: entry.get(key) for key in keys} for entry in shown]
    return RunListing(rows, len(found), further, asked=bool(words))


def _filled(entries: Sequence[Entry]) -> list[str]:
    """Return the keys that one of the entries has a value for, by the alphabet."""
    return sorted({key for entry in entries for key, value in entry.items() if value is not None})

"""What is known of the runs of a folder, read from an index of what was read before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.reports.run_rows import listing_row, whole_entry
from skiprun.results.index import NAME, Entry, Index
from skiprun.results.records import read
from skiprun.run import Run
from skiprun.system.progress import ProgressCallback

WHOLE = ".index-of-keys.json"  # of everything that runs say, which takes longer to read than the rows
STRIDE = 200  # runs that are read between two words on how far it is


class KnownRuns:
    """What is known of the runs of a folder: a row each, or `whole` all keys of config and summary."""

    def __init__(self, root: Path, whole: bool) -> None:
        self.index = Index.open(root, WHOLE if whole else NAME)
        self.whole, self.count = whole, 0

    def names(self, oldest_first: bool = False) -> list[str]:
        """Return all runs, the one that last wrote something first."""
        return [name for _, name in sorted(self.index.runs(), reverse=not oldest_first)]

    def entries(self, names: Sequence[str], progress: ProgressCallback | None = None) -> list[Entry]:
        """Return what is known of some runs; what was read is kept, also where somebody stops it."""
        found = []
        try:
            for number, name in enumerate(names, 1):
                before = self.count
                found.append(self.index.entry(name, self._read))
                if progress and self.count // STRIDE > before // STRIDE:
                    progress(number, len(names), "Reading runs")
        finally:
            self.index.save()
        return found

    def _read(self, run: Run) -> Entry:
        self.count += 1
        return whole_entry(read(run)) if self.whole else {**listing_row(read(run))}

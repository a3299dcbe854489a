"""Progress that notices when a run goes on in another worker."""

from __future__ import annotations

import logging

from skiprun.system.progress import LocatedProgress, Progress, Record

log = logging.getLogger(__name__)


class Followed:
    """Passes on the progress of a run, and says when its worker was lost."""

    def __init__(self, label: str, progress: Progress) -> None:
        self.label, self.progress = label, progress
        self.place = ""

    def step(self, step: int, steps: int) -> None:
        """Pass a step on."""
        self.progress.step(step, steps)

    def epoch(self, record: Record) -> None:
        """Pass an epoch on."""
        self.progress.epoch(record)

    def located(self, place: str) -> None:
        """Pass on where the run is trained now."""
        if self.place:
            log.warning(f"{self.label}: its worker ({self.place}) was lost; it goes on from its checkpoint.")
        self.place = place
        if isinstance(self.progress, LocatedProgress):
            self.progress.located(place)

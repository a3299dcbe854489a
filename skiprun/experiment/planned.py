"""One run of a comparison, as it is planned."""

from __future__ import annotations

from dataclasses import dataclass

from skiprun.config import RunConfig
from skiprun.errors import RunBusy
from skiprun.experiment.start_weights import refuse_other_weights
from skiprun.results.progress import rows_until
from skiprun.run import Run


@dataclass(frozen=True)
class Planned:
    """One experiment with one seed: its run, which may be finished, begun, or not there yet.

    Attributes:
        name: as it was given: an architecture, a YAML file or a run directory.
        label: what people call it.
        run: its directory.
        config: what is to be trained there; None: nothing is, the directory is read as it lies.
        until: the share of the run after which it pauses.
    """

    name: str
    label: str
    run: Run
    config: RunConfig | None = None
    until: float = 1.0

    @property
    def missing(self) -> bool:
        """Whether there is something to train."""
        if self.config is None or self.run.summary_file.exists():
            return False
        return self.until == 1 or rows_until(self.run, self.config.schedule, self.until) is None

    def refuse_what_is_not_ours(self) -> None:
        """Raise RunTaken if the directory holds another experiment, RunBusy if a process is training it."""
        if self.config:
            way_out = "Choose another --name."
            self.run.refuse_another(self.config, way_out)
            refuse_other_weights(self.run, self.config, way_out)
        if self.missing and self.run.is_locked():
            raise RunBusy(self.run.path, self.run.owner)

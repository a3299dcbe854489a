"""The runs of a comparison, a sweep or a claim, as they are planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import RunBusy
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.start_weights import refuse_other_weights, with_known_weights
from skiprun.results.progress import rows_until
from skiprun.run import Run, refuse_one_place, refuse_repeats


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


def plan_seeds(name: str, label: str, config: RunConfig, seeds: int | None, folder: Path) -> list[Planned]:
    """Return the runs of one experiment.

    Args:
        name: as it was given.
        label: what people call it.
        config: of the experiment.
        seeds: seeds 0..n-1; None: that of the config.
        folder: in which its name is a directory.
    """
    drawn = [config.replace(seed=seed) for seed in (range(seeds) if seeds else [config.seed])]
    refuse_repeats(name, drawn)
    configs = [with_known_weights(with_plugins(each), folder) for each in drawn]
    return [Planned(name, f"{label} seed {each.seed}", Run.of(folder, each), each) for each in configs]


def distinct(planned: Sequence[Planned]) -> list[Planned]:
    """Return each run once, each under a label of its own.

    Raises:
        InputError: two experiments would be one run.
    """
    refuse_one_place((item.label, item.config) for item in planned if item.config)
    places: dict[Path, Planned] = {}
    for item in planned:
        place = item.run.path.absolute()
        if place not in places:
            taken = any(item.label == other.label for other in places.values())
            places[place] = replace(item, label=str(item.run.path)) if taken else item
        elif item.config:
            places[place] = replace(item, label=places[place].label)
    return list(places.values())

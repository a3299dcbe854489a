"""Train several runs: what is missing, where there is room for it, by whom that is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from skiprun.display.anywhere import open_board
from skiprun.experiment.crew import Crew, ProgressFor
from skiprun.experiment.here import Here
from skiprun.experiment.on_ray.crew import OnRay
from skiprun.experiment.planned import Planned
from skiprun.experiment.side_by_side import combine
from skiprun.experiment.work import list_work
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import NullProgress, ProgressCallback


@dataclass(frozen=True)
class Launcher:
    """How missing runs are trained, and who is told of them.

    Attributes:
        jobs: runs at once, the GPUs taking turns as far as their memory goes; None: one a GPU, up to 4 where
            NVIDIA's Multi-Process Service runs, and on a CPU what `Places.workers` says.
        ray: a Ray cluster on which to train: `local` for one of this machine's own, `auto`, or its address;
            None: train here.
        progress_for: gives somebody to tell of the steps and epochs of a run, by its label.
        loading: told of (done, total, what) while data is prepared.
    """

    jobs: int | None = None
    ray: str | None = None
    progress_for: ProgressFor = lambda _: NullProgress()
    loading: ProgressCallback | None = None

    @property
    def crew(self) -> Crew:
        """Who trains: this machine, or a Ray cluster."""
        return OnRay(self.ray, self.jobs) if self.ray else Here(self.jobs)


BY_DEFAULT = Launcher()


@contextmanager
def launching(
    jobs: int | None, ray: str | None, progress: ProgressFor | bool, loading: ProgressCallback | None = None
) -> Iterator[Launcher]:
    """Return a launcher that shows how far runs are, or that tells whoever `progress` gives."""
    if not isinstance(progress, bool):
        yield Launcher(jobs, ray, progress, loading)
        return
    with open_board(progress) as board:
        yield Launcher(jobs, ray, board.row, loading or board.loading)


@checked_arguments
def train_missing(planned: Sequence[Planned], runs: Path | str, launcher: Launcher = BY_DEFAULT) -> list[Run]:
    """Train what is not there yet, and return all runs in order; one that diverges is a result, not an error.

    Args:
        planned: what the comparison consists of.
        runs: the folder of all runs.
        launcher: how.
    """
    runs = Path(runs)
    for item in planned:
        item.refuse_what_is_not_ours()
    missing = {item.label: item.config for item in planned if item.config and item.missing}
    if missing:
        crew = launcher.crew
        places = crew.look(list(missing.values()))
        untils = {item.label: item.until for item in planned}
        alone = list_work(missing, runs, places.choose, launcher.loading)
        works = combine(
            [replace(work, until=untils[work.label]) for work in alone], places.gpus, launcher.jobs
        )
        # The largest first, so that no core waits for the last one alone.
        crew.train(sorted(works, key=lambda work: -work.macs), places, runs, launcher.progress_for)
    return [item.run for item in planned]

"""Do what claims ask for: train what is missing, make the studies, and read what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement
from skiprun.experiment.many import BY_DEFAULT, Launcher, train_missing
from skiprun.experiment.planned import Planned, distinct
from skiprun.experiment.reproduction.planning import Plan
from skiprun.experiment.reproduction.study_work import StudyWork, make_here
from skiprun.results.records import read, with_images
from skiprun.results.study_documents import Document


@dataclass(frozen=True)
class Bench:
    """Where claims are measured.

    Attributes:
        plan: where and how runs are trained.
        kept: the folder of what studies found.
        launcher: how runs are trained; so many studies are made at once, by default one a core.
    """

    plan: Plan
    kept: Path
    launcher: Launcher = BY_DEFAULT

    def train(self, asked: Sequence[Measurement]) -> None:
        """Train what is missing; what others start from comes first."""
        for planned in self.stages(asked):
            train_missing(planned, self.plan.runs, self.launcher)

    def stages(self, asked: Sequence[Measurement]) -> Iterator[list[Planned]]:
        """Yield the runs that others start from, and then all others."""
        trained = [(each, network) for each in asked if each.train for network in each.networks.values()]
        begun = [(each, network.start) for each, network in trained if network.start]
        for stage in (begun, trained):
            yield distinct([item for pair in stage for item in self.plan.trainings(*pair)])

    def study(self, asked: Sequence[Measurement]) -> None:
        """Make the studies whose findings are not there, a process a core."""
        works = {work.file(self.kept): work for each in asked for _, _, work in self._works(each)}
        missing = [work for work in works.values() if work.known(self.kept) is None]

        def tell(done: int) -> None:
            if self.launcher.loading:
                self.launcher.loading(done, len(missing), "Studies")

        if missing:
            calls = [partial(make_here, work, self.kept) for work in missing]
            self.launcher.crew.call(calls, tell)

    def measured(self, asked: Measurement) -> Measured:
        """Return what was found."""
        runs = {
            part: [with_images(read(item.run)) for item in self.plan.trainings(asked, network)]
            for part, network in asked.networks.items()
            if asked.train
        }
        documents: dict[str, dict[int, Document]] = {part: {} for part in asked.networks or [""]}
        for part, seed, work in self._works(asked):
            if document := work.known(self.kept):
                documents[part][seed] = document
        return Measured(asked, runs, documents)

    def _works(self, asked: Measurement) -> Iterator[tuple[str, int, StudyWork]]:
        """Yield each study with the part of its network and the seed; a run that failed has none."""
        if asked.study is None:
            return
        work = partial(StudyWork, asked.study, asked.options, asked.look)
        if not asked.networks:
            yield from (("", seed, work(seed)) for seed in range(asked.seeds))
        for part, network in asked.networks.items():
            for item in self.plan.trainings(asked, network):
                assert item.config
                if not asked.train or item.run.summary_file.exists():
                    run = item.run.path if asked.train else None
                    yield part, item.config.seed, work(item.config.seed, item.config.to_dict(), run)

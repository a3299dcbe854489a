"""Train runs in which one source of randomness varies at a time: how much of the spread is whose."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from skiprun.claims.noise import ALL, Noise, read_noise
from skiprun.config import Count, RunConfig, Source
from skiprun.config.templates import DIGITS
from skiprun.config_file import key_of
from skiprun.errors import InputError, counted, did_you_mean
from skiprun.experiment.commands import write_commands
from skiprun.experiment.idle_sources import idle_sources
from skiprun.experiment.many import BY_DEFAULT, Launcher, train_missing
from skiprun.experiment.named import config_for, refuse_misspelled
from skiprun.experiment.planned import Planned
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.start_weights import with_known_weights
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.reports.noise import write_noise
from skiprun.run import RUNS, Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback

SOURCES: tuple[Source, ...] = get_args(Source)
OTHER = 1000  # the other seed of a source is that of the run and this, which no run has
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NoisePlan:
    """The runs in which one source of randomness varies at a time.

    Attributes:
        runs: by source, and those called `all`.
        idle: the sources that decide nothing, with the reason.
        folder: of the runs.
    """

    runs: Sequence[Planned]
    idle: Mapping[str, str]
    folder: Path

    def commands(self) -> list[str]:
        """Return a command line for each run that is missing, see `write_commands`."""
        return write_commands(self.runs, self.folder)


@checked_arguments
def plan_noise(
    name: str,
    *,
    overrides: Sequence[str] = (),
    seeds: Count = 10,
    sources: Sequence[str] = SOURCES,
    runs: Path | str = RUNS,
    prefix: str | None = None,
    loading: ProgressCallback | None = None,
) -> NoisePlan:
    """Plan the runs that split the spread of a network over seeds by its sources.

    In the runs called `all` every source has the seed of the run, also the split. Beside each of them stands,
    for every source, the run that differs in the seed of that source alone. So n seeds take n runs, and n
    more for each source; no source is held at one lucky value; and more seeds go on from these.

    Args:
        name: an architecture, also with options as `resnet56:connection=highway`; or a YAML file.
        overrides: `section.key=value`.
        seeds: seeds 0..n-1, two or more.
        sources: which to vary alone; the others vary in `all` only.
        runs: the folder of all runs; these lie in its `noise/<name>/`.
        prefix: what the name begins with; None: the protocol's name, for architectures.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        InputError: a source is unknown or all of them decide nothing, or overrides say the seeds.
    """
    chosen, runs = known_sources(sources), Path(runs)
    refuse_seeds(overrides, seeds)
    refuse_misspelled(name, runs)
    config = with_known_weights(with_plugins(config_for(name, DIGITS, overrides, prefix)), runs)
    if config.data.folds:
        raise InputError(f"{name}: noise varies the split itself, and data.folds does too; leave that out.")
    folder = runs / "noise" / config.name
    idle = idle_sources(run_of(config, 0), run_of(config, OTHER), loading)
    varied = [source for source in chosen if source not in idle]
    if not varied:
        raise InputError(f"Nothing to vary: {'; '.join(f'{source}: {idle[source]}' for source in chosen)}.")
    planned = list(varying_runs(config, varied, seeds, folder))
    log.info(f"{counted(len(planned), 'run')}: {counted(seeds, 'seed')}, {', '.join([ALL, *varied])}.")
    return NoisePlan(planned, idle, folder)


@checked_arguments
def noise(plan: NoisePlan, launcher: Launcher = BY_DEFAULT) -> Noise:
    """Train what is missing, split the spread, and write it down; what `skiprun noise` does."""
    found = train_missing(plan.runs, runs=plan.folder, launcher=launcher)
    complete = not {*SOURCES} - {item.name for item in plan.runs} - {*plan.idle}
    result = read_noise(plan.folder.name, found, plan.idle, complete, plan.folder)
    with warn_instead():
        write_noise(result)
    return result


def known_sources(sources: Sequence[str]) -> list[Source]:
    """Return sources in their order; raise InputError for one that there is not."""
    for each in sources:
        if each not in SOURCES:
            near = did_you_mean(each, SOURCES)
            raise InputError(f"--sources: found '{each}'.{near} There are {', '.join(SOURCES)}.")
    return [source for source in SOURCES if source in sources]


def refuse_seeds(overrides: Sequence[str], seeds: int) -> None:
    """Raise InputError for overrides of what is varied, and for a number of seeds that shows no spread."""
    if not 2 <= seeds <= OTHER:
        raise InputError(f"--seeds {seeds}: one run has no spread; give 2 to {OTHER:,}.")
    if given := next((text for text in overrides if key_of(text).split(".")[0] in ("seed", "seeds")), None):
        raise InputError(f"--set {given}: noise sets the seeds of all sources itself; leave it out.")


def run_of(config: RunConfig, seed: int) -> RunConfig:
    """Return a run in which every source has one seed."""
    return config.replace(name=ALL, seed=seed, seeds={"split": seed})


def varying_runs(config: RunConfig, sources: Sequence[Source], seeds: int, folder: Path) -> Iterator[Planned]:
    """Yield the runs in which every source varies, and then for each source those in which it alone does."""
    for arm in (ALL, *sources):
        for seed in range(seeds):
            run = run_of(config, seed)
            if arm != ALL:
                run = run.replace(name=arm, seeds=run.seeds.model_dump() | {arm: seed + OTHER})
            yield Planned(arm, f"{arm} seed {seed}", Run.of(folder, run), run)

"""Measure the connections: test scores of trained networks, the time of a step, and gradients by depth."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from docs.generate.figures_small import smaller
from docs.generate.gradient_figure import Panel, draw
from docs.generate.measured import FIGURES, TrialResult
from docs.generate.trials import SEEDS, Trial
from skiprun.experiment.compare import compare
from skiprun.experiment.forecast import StepTimes, train_briefly
from skiprun.experiment.prepare import prepare
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_target import StudyTarget
from skiprun.experiment.study_runner.study_targets import find_targets
from skiprun.results.study_documents import Row
from skiprun.system.files import write_bytes

ONE_CORE = ("compute.threads=1",)
WARM_UP, STEPS, ROUNDS = 4, 16, 5


def measure(trial: Trial, runs: Path) -> TrialResult:
    """Train what is missing of a trial, and time the steps of each arm."""
    comparison = compare(
        list(trial.arms.values()),
        protocol=trial.protocol_file,
        overrides=ONE_CORE,
        seeds=SEEDS,
        runs=runs,
        jobs=1,
    )
    groups = dict(zip(trial.arms, comparison.groups, strict=True))
    scores = {arm: list(group.by_seed(group.test_score).values()) for arm, group in groups.items()}
    return {"scores": scores, "step": step_ratios(trial)}


def step_ratios(trial: Trial) -> dict[str, float]:
    """Return the time of a step as a multiple of that with `add`, measured in turn: median of the rounds."""
    rounds = [{arm: step_time(trial, arm) for arm in trial.arms} for _ in range(ROUNDS)]
    return {arm: statistics.median(times[arm] / times["add"] for times in rounds) for arm in trial.arms}


def step_time(trial: Trial, arm: str) -> float:
    """Return the processor time of a step as `skiprun train` makes it; others may work on the core too."""
    config = trial.config(arm, *ONE_CORE, "log.tensorboard=false")
    clock = StepTimes(time.process_time, first=WARM_UP + 1)
    train_briefly(prepare(config), STEPS, clock)
    return min(after - before for before, after in pairwise(clock.times))


def draw_gradients(trials: Sequence[Trial], runs: Path) -> None:
    """Draw the gradient by depth of every connection beside `add`, before training and after."""
    found = [panel for trial in trials for panel in panels(trial, runs)]
    write_bytes(FIGURES / "connections-gradients.png", smaller(draw(found)))


def panels(trial: Trial, runs: Path) -> Iterator[Panel]:
    """Yield a panel for each connection that a trial shows, with `add` in all of them."""
    add = gradients(trial, "add", runs)
    for name in trial.shown:
        if name != "add":
            title = name if trial.data == "digits" else f"{name} ({trial.network})"
            yield Panel(title, gradients(trial, name, runs), add)


def gradients(trial: Trial, arm: str, runs: Path) -> list[Sequence[Row]]:
    """Return the layers of `gradflow` of an arm: with initial weights, and of the trained networks."""
    drawn = find_targets([trial.arms[arm]], Path(), trial.protocol_file, seeds=SEEDS)
    return [gradflow(target) for target in [*drawn, *find_targets([trial.config(arm).name], runs)]]


def gradflow(target: StudyTarget) -> Sequence[Row]:
    """Return the rows of the layers of one network."""
    (document,) = run_study(StudyRequest("gradflow", [target], SampleSelection(split="train")))
    return [row for row in document["rows"] if row["at"] == "layer"]

"""Train the arms of a sweep from rung to rung, and stop those early that others leave behind."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from skiprun.config.sweep import Halving
from skiprun.errors import counted, percent
from skiprun.experiment.planned import Planned
from skiprun.experiment.prepare import task_options
from skiprun.experiment.until_decided import has_diverged
from skiprun.registry import DATASETS, TASKS
from skiprun.results.rungs import RungScore, Stop, mean_score, score_at, survivors

Train = Callable[[Sequence[Planned]], object]
log = logging.getLogger(__name__)


def halve(runs: Mapping[str, Sequence[Planned]], halving: Halving, train: Train) -> dict[str, Stop]:
    """Train to each rung what has come so far, and return where the other arms were stopped.

    Args:
        runs: of each arm, by its label.
        halving: where the rungs are, and how many go on.
        train: trains what is missing.
    """
    going, stops = list(runs), dict[str, Stop]()
    for share in halving.shares:
        train_lasting([item for label in going for item in runs[label]], share, train)
        scores = {label: mean_score([score_of(item, share) for item in runs[label]]) for label in going}
        kept = survivors(scores, halving.factor)
        stops |= {label: Stop(share, scores[label]) for label in going if label not in kept}
        log.info(f"At {percent(share)} of the run {len(kept)} of {counted(len(going), 'arm')} go on.")
        going = kept
    return stops


def train_lasting(planned: Sequence[Planned], until: float, train: Train) -> None:
    """Train runs to a share of their schedules; one that has diverged is not tried again."""
    train([replace(item, until=until) for item in planned if not has_diverged(item)])


def score_of(item: Planned, share: float) -> RungScore | None:
    """Return how well a run did until a share of its schedule, None if it has not come so far."""
    assert item.config is not None
    name = DATASETS[item.config.data.name].info.task
    task = TASKS[name].target(**task_options(item.config, name))
    return score_at(item.run, item.config.schedule, share, task.score_name, task.better == "higher")

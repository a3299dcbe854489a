"""Add seeds to a comparison, a look after each, until all is decided."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from skiprun.claims.comparison import Comparison
from skiprun.errors import InputError
from skiprun.experiment.named import find_existing
from skiprun.experiment.planned import Planned
from skiprun.results.sequential import FIRST_LOOK, InterimLook
from skiprun.run import Run

MOST = 10
log = logging.getLogger(__name__)


def refuse_no_looks(names: Sequence[str], runs: Path, most: int) -> None:
    """Raise InputError if there is nothing to decide by adding seeds.

    Args:
        names: what is compared.
        runs: the folder of all runs.
        most: seeds at the last look.
    """
    if most < FIRST_LOOK:
        raise InputError(
            f"--seeds {most}: --until-decided looks from {FIRST_LOOK} seeds on; give as many or more, or "
            f"leave it out for at most {MOST}."
        )
    if fixed := next((name for name in names if find_existing(name, runs)), None):
        raise InputError(
            f"--until-decided adds seeds, and {fixed} is there already; name an architecture or a YAML file."
        )
    if len({*names}) < 2:
        raise InputError("--until-decided decides between networks; name two or more.")


def add_seeds(
    plan: Callable[[int], list[Planned]],
    train: Callable[[Sequence[Planned]], object],
    judge: Callable[[Sequence[Run], InterimLook], Comparison],
    most: int,
) -> Comparison:
    """Train three seeds of each, then one more at a time, until a look decides or there have been `most`.

    The looks depend on the seeds alone: the same command continues where it was interrupted, and comes to the
    same end where all is trained.

    Args:
        plan: what a comparison of so many seeds consists of.
        train: trains what is missing of it.
        judge: compares runs at a look.
        most: seeds at the last look.
    """
    for seeds in range(FIRST_LOOK, most + 1):
        planned = plan(seeds)
        lasting = [item for item in planned if not has_diverged(item)]
        is_new = any(item.missing for item in lasting)
        train(lasting)
        comparison = judge([item.run for item in planned], InterimLook(seeds, most))
        decision = comparison.verdict.decision.evidence
        if decision is None or decision.is_last:
            break
        if is_new:
            log.info(decision.sentence)
    return comparison


def has_diverged(item: Planned) -> bool:
    """Tell whether a run has diverged, which is a result: it is not tried again at every look."""
    if item.run.state != "diverged":
        return False
    item.refuse_what_is_not_ours()
    return True

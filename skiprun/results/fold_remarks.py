"""What a reader must know of scores over folds: how many images they are of, and how they depend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skiprun.results.groups import Group
from skiprun.results.numbers import format_score, format_spread, score_unit, significant

OVERLAP = "training sets of folds overlap (Nadeau and Bengio 2003)"


def fold_remarks(groups: Sequence[Group]) -> list[str]:
    """Return the remarks that belong to scores over folds, each once."""
    return list(dict.fromkeys(remark for group in groups for remark in _group_remarks(group)))


def _group_remarks(group: Group) -> Iterator[str]:
    """Say what was tested, and how intervals and tests count that folds depend on each other."""
    if not group.folds:
        return
    if missing := group.folds - len({run.seed for run in group.runs} & set(range(group.folds))):
        yield f"Caution: {group.label} lacks {missing} of {group.folds} folds, so not every image is tested."
    else:
        yield (
            f"Cross-validation: {group.folds} folds of {group.tested_images:,.0f} images, each tested once, "
            "by the run whose seed is its fold; intervals and tests count n_test / n_train = "
            f"{significant(group.overlap, 2)} beside 1 / n, as the {OVERLAP}."
        )


def over_folds(group: Group) -> str:
    """Return the test score of a group over its folds in a sentence."""
    sample, name, unit = group.sample(group.test_score), group.score_name, score_unit(group.score_name)
    interval = f"{format_score(sample.low, name)} to {format_score(sample.high, name)}"
    return (
        f"{group.label}: test {name} {format_spread(sample, name)}{unit} over {group.folds} folds of "
        f"{group.tested_images:,.0f} images, 95 % interval of the mean {interval}: {OVERLAP}"
    )

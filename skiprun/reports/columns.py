"""The columns of a comparison table, defined once for terminal, HTML and Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from skiprun.results.groups import Group
from skiprun.results.numbers import (
    format_count,
    format_score,
    format_spread,
    format_whole,
    score_unit,
    significant,
)
from skiprun.results.records import RunRecord
from skiprun.results.summary_keys import LOSS, SPEED

NOTE = (
    "Means over seeds; test scores +- sample standard deviation. Train: last epoch. Val: the epoch whose "
    "checkpoint was kept. Test: that checkpoint, scored once. Gradient first/last: weight-gradient norm of "
    "the first layer behind the stem over that of the last before the classifier, median over training and "
    "seeds; none where one of the two is frozen."
)


@dataclass(frozen=True)
class Column:
    """A heading and what stands below it for a group; columns of a part stay together in a narrow window."""

    heading: str
    text: Callable[[Group], str]
    is_number: bool = True
    part: Literal["network", "training", "test"] = "training"


def columns(groups: Sequence[Group]) -> list[Column]:
    """Return the columns that these groups fill; scores come once for each name in use."""
    names = list(dict.fromkeys(group.score_name for group in groups))
    return [
        Column("network", lambda group: group.label, is_number=False, part="network"),
        Column("connection", lambda group: group.connection, is_number=False, part="network"),
        Column("layers", lambda group: format_whole(group.layers), part="network"),
        Column(
            "parameters", lambda group: format_whole(group.first.number("model.parameters")), part="network"
        ),
        Column("MACs", lambda group: format_count(group.first.number("model.macs")), part="network"),
        Column("seeds", _seeds),
        Column("train loss", lambda group: significant(group.sample(LOSS).mean)),
        *(column for name in names for column in _score_columns(name, groups)),
        Column("gradient first/last", _ratio),
        Column("images/s", lambda group: significant(group.sample(SPEED).mean), part="network"),
    ]


def _seeds(group: Group) -> str:
    """Return how many seeds the means are of; those that ended without a number are not."""
    every, found = len(group.runs), [group.by_seed(key) for key in (LOSS, group.test_score)]
    if group.folds:
        return f"{every} of {group.folds} folds" if every < group.folds else f"{every} folds"
    fewest = min((len(values) for values in found if values), default=every)
    return str(every) if fewest == every else f"{fewest} of {every}"


def _ratio(group: Group) -> str:
    """Return the gradient's ratio; none where one of the layers is frozen, or nothing was logged."""
    return "none" if math.isnan(group.ratio) else significant(group.ratio, 2)


def _score_columns(name: str, groups: Sequence[Group]) -> list[Column]:
    """Return train, validation and test score of one name, and the further test scores that come with it."""
    further = dict.fromkeys(
        more for group in groups if group.score_name == name for more in group.test_scores if more != name
    )
    keys = [("train", f"final.train.{name}", name), ("val", f"best.val.{name}", name)]
    tests = [("test", f"test.{each}", each) for each in (name, *further)]
    return [_score_column(split, key, each, name) for split, key, each in (*keys, *tests)]


def _score_column(split: str, key: str, name: str, main: str) -> Column:
    """Return one score of one split: the mean, and for the test split the spread over seeds."""

    def text(group: Group) -> str:
        if group.score_name != main:
            return "-"
        sample = group.sample(key)
        return format_spread(sample, name) if split == "test" else format_score(sample.mean, name)

    return Column(f"{split} {name}{score_unit(name)}", text, part="test" if split == "test" else "training")


def seed_rows(groups: Sequence[Group]) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows of the table of single runs."""
    headings = [
        "network",
        "seed",
        "train loss",
        "train score",
        "val score",
        "test score",
        "best epoch",
        "images/s",
    ]
    return headings, [[group.label, *_run_row(group, run)] for group in groups for run in group.runs]


def _run_row(group: Group, run: RunRecord) -> list[str]:
    scores = [
        format_score(run.number(key), group.score_name)
        for key in (group.train_score, group.val_score, group.test_score)
    ]
    return [
        str(run.seed),
        significant(run.number(LOSS)),
        *(f"{text}{score_unit(group.score_name)}" for text in scores),
        f"{run.number('best.epoch'):g}",
        significant(run.number(SPEED)),
    ]

"""The contract of studies: a function from a network to rows, a verdict in plain words, and a few facts.

A study takes what it needs by position, from this vocabulary, and its options by keyword:

    model, other      a network; a second one to compare it with
    models            networks of one architecture, each with its own seed
    evaluate          model -> scores, such as {"loss": 0.3, "error": 8.2}
    images            how many images these scores are of
    batches           normalised images and targets to look at, on the network's device
    batch             the first of them
    train_batches     the same of the training split
    loss              (output, targets) -> a number to differentiate
    states            weights along a training run, oldest first

`signature.needs` names what to prepare, `signature.options` what a user may choose, so that one command
can serve any study.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.connections import Connection, sites
from skiprun.errors import InputError

Row = dict[str, Any]
Facts = dict[str, Any]  # numbers and words that sum rows up
Batch = tuple[Tensor, Tensor]
Batches = Sequence[Batch]
Loss = Callable[[Tensor, Tensor], Tensor]
Evaluate = Callable[[nn.Module], dict[str, float]]
# Told of each row when it is known, with the number of rows there will be: to show progress and to keep them.
Report = Callable[[Row, int], None]


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes:
        rows: the measurements, for a table and for the figures.
        verdict: one or two sentences for people.
        facts: single numbers that sum the rows up, and what theory expects beside them where it does.
    """

    rows: list[Row]
    verdict: str
    facts: Facts


@dataclass(frozen=True)
class Figure:
    """How rows are drawn; the columns `x`, `y` and `value` are keys of a row.

    Attributes:
        kind: "lines", "bars", "matrix" (value by x and y) or "surface" (value over the plane of x and y).
        where: only the rows with these values.
        group: column that separates the lines of one network.
        panel: column that separates lines into panels beside each other.
        band: columns of the lower and upper edge of the spread around y.
        guides: columns drawn thin beside y, such as a theory.
        log: whether y, or the value of a matrix or surface, is drawn on a logarithmic scale.
    """

    title: str
    kind: str
    x: str
    y: str
    xlabel: str
    ylabel: str
    value: str = ""
    valuelabel: str = ""
    where: Mapping[str, object] = field(default_factory=dict)
    group: str = ""
    panel: str = ""
    band: tuple[str, str] | None = None
    guides: tuple[str, ...] = ()
    log: bool = False


@contextmanager
def isolated_copy(model: nn.Module, seed: int = 0) -> Iterator[nn.Module]:
    """Give a copy to cut up, and a random stream of its own; the network and torch's stream stay as they are.

    Nothing has to be put back, so an exception or Ctrl-C in the middle cannot leave a trace either.
    """
    device = next(model.parameters()).device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield copy.deepcopy(model)


def sites_of(model: nn.Module) -> dict[str, Connection]:
    """Return the connection sites of a network by path; refuse one that has none."""
    found = sites(model)
    if not found:
        raise InputError(f"A {type(model).__name__} has no connection sites, and this study needs them.")
    return found


def primary_metric(scores: Mapping[str, float]) -> str:
    """Return the score that a study speaks of: the error, else the first that is not the loss."""
    return "error" if "error" in scores else next((name for name in scores if name != "loss"), "loss")


def metric_drop(scores: Mapping[str, float], intact: Mapping[str, float]) -> float:
    """Return by how many points the primary metric is worse than the intact network's; a loss by its unit."""
    name = primary_metric(intact)
    change = scores[name] - intact[name]
    return change if name in ("error", "loss") else -100 * change


def spread(values: Sequence[float], name: str) -> Row:
    """Return the median of some values under a name, and the lowest and highest beside it."""
    return {name: statistics.median(values), f"{name}_low": min(values), f"{name}_high": max(values)}


def ignore(row: Row, total: int) -> None:
    """Take a row and do nothing with it."""

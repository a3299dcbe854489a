"""A plane in weight space: its directions, and the scores at its points."""

from __future__ import annotations

import copy
import math
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.studies.base import Evaluate, Report, Row
from skiprun.system.machine import keep_memory, safe_interpreters
from skiprun.system.processes import end_with_parent

Point = tuple[float, float]
# Stands for a loss beyond all numbers, which neither a table nor a figure can hold.
ENDLESS = 1e30


@dataclass
class Plane:
    """weights(x, y) = origin + x first + y second, for every parameter of an isolated copy."""

    model: nn.Module
    first: Sequence[Tensor]
    second: Sequence[Tensor]

    def __post_init__(self) -> None:
        self.origin = [parameter.detach().clone() for parameter in self.model.parameters()]

    @torch.no_grad()
    def set_weights(self, point: Point) -> nn.Module:
        """Set the weights to those of a point and return the network."""
        steps = zip(self.model.parameters(), self.origin, self.first, self.second, strict=True)
        for parameter, origin, first, second in steps:
            parameter.copy_(origin + point[0] * first + point[1] * second)
        return self.model

    def row(self, point: Point, evaluate: Evaluate) -> Row:
        """Return a point with its scores."""
        scores = evaluate(self.set_weights(point))
        finite = {name: value if math.isfinite(value) else ENDLESS for name, value in scores.items()}
        return {"x": point[0], "y": point[1], **finite}


def random_direction(model: nn.Module, generator: torch.Generator) -> list[Tensor]:
    """Return a random direction with the norm of the weights, filter by filter (Li et al. 2018, 4)."""
    return [
        filter_normalized(torch.randn(each.shape, generator=generator), each) for each in model.parameters()
    ]


def filter_normalized(direction: Tensor, weight: Tensor) -> Tensor:
    """Return the direction with each filter as long as the weight's; biases and those of norms do not move.

    A filter is what makes one output: `weight[i]`. What has one number an output is a bias or belongs to a
    norm.
    """
    weight = weight.detach()
    direction = direction.to(weight)
    if is_bias(weight):
        return torch.zeros_like(weight)
    lengths = direction.flatten(1).norm(dim=1)
    scale = weight.flatten(1).norm(dim=1) / lengths.clamp(min=1e-30)
    return direction * scale.view(-1, *[1] * (weight.ndim - 1))


def is_bias(weight: Tensor) -> bool:
    """Return whether a parameter has no more than one number for each output."""
    return weight.ndim < 2 or weight[0].numel() == 1


def grid(xs: Iterable[float], ys: Iterable[float]) -> list[Point]:
    """Return the points of a grid, line by line."""
    return [(x, y) for y in ys for x in xs]


def evaluate_grid(
    plane: Plane,
    evaluate: Evaluate,
    points: Sequence[Point],
    known: Sequence[Row],
    workers: int,
    report: Report,
) -> list[Row]:
    """Return the rows of all points; known ones are taken over, and each new one is reported."""
    found = {place(row["x"], row["y"]): row for row in known}
    missing = [point for point in points if place(*point) not in found]
    for row in scores(plane, evaluate, missing, workers):
        found[place(row["x"], row["y"])] = row
        report(row, len(points))
    return [found[place(*point)] for point in points]


def place(x: float, y: float) -> Point:
    """Return a point so that it equals itself after a way through a file."""
    return round(x, 9), round(y, 9)


def scores(plane: Plane, evaluate: Evaluate, points: Sequence[Point], workers: int) -> Iterator[Row]:
    """Yield the rows of points in their order, from this process or from several others."""
    if workers == 1:
        yield from (plane.row(point, evaluate) for point in points)
        return
    threads = max(1, torch.get_num_threads() // workers)
    with ExitStack() as stack:
        with signals_blocked(), safe_interpreters():
            pool = ProcessPoolExecutor(workers, get_context("spawn"), _settle, (plane, evaluate, threads))
            stack.callback(pool.shutdown, cancel_futures=True)
            rows = pool.map(_visit, points)
        yield from rows


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Put signals off; processes started meanwhile never hear them, and end with this one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # when it starts, it lets these signals through again
    numbers = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)


_here: dict[str, Any] = {}


def _settle(plane: Plane, evaluate: Evaluate, threads: int) -> None:
    """Keep what a process needs for all of its points; it ends with the one that started it, not before."""
    end_with_parent()
    torch.set_num_threads(threads)
    keep_memory()
    # What arrives shares its memory with the other processes, and each goes to points of its own.
    _here.update(plane=copy.deepcopy(plane), evaluate=evaluate)


def _visit(point: Point) -> Row:
    row: Row = _here["plane"].row(point, _here["evaluate"])
    return row

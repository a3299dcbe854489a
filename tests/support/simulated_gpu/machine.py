"""A machine with a simulated GPU: a process where the guard came before torch, that calls what it is told."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.simulated_gpu.findings import Finding
from tests.support.simulated_gpu.guard import build_guard, load_guard


@dataclass(frozen=True)
class Outcome:
    """What became of a call.

    Attributes:
        result: what the function returned.
        messages: what it told the user.
        findings: what the GPU noticed, with how often.
        launches: how many times a captured graph was launched in a step.
        scored: how many times one was launched elsewhere, to score a batch.
        nodes: how many operations the last one held.
    """

    result: Any
    messages: list[str]
    findings: Counter[Finding]
    launches: int
    scored: int
    nodes: int

    @property
    def waits(self) -> Counter[str]:
        """How often the host waited within an epoch, by function."""
        found: Counter[str] = Counter()
        for finding, count in self.findings.items():
            if finding.kind == "wait" and finding.in_epoch:
                found[finding.function] += count
        return found

    @property
    def races(self) -> list[Finding]:
        """Operations of two streams that do not wait for each other."""
        return [finding for finding in self.findings if finding.kind == "race"]


class SimulatedMachine:
    """Calls functions in its process; whatever they take and return is pickled."""

    def __init__(self, compiler: str, folder: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        library = build_guard(compiler, folder)
        self.pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=load_guard, initargs=(library,))

    def __call__(
        self, function: Callable[..., Any], *args: Any, gpu: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Outcome:
        """Call a function where there is a GPU, and return what became of it.

        Args:
            function: of a module.
            args: its arguments.
            gpu: options of the GPU: bytes that are `free`, and that there is `room` for in truth; how many
                `streams` it gives out; the name of a `fault` that is planted.
            kwargs: its arguments by name.
        """
        return self.pool.submit(call, function, args, kwargs, **(gpu or {})).result()


def call(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    fault: str | None = None,
    **options: int,
) -> Outcome:
    """Call a function on a simulated GPU, in a process that has loaded the guard."""
    import torch

    from tests.support.simulated_gpu.faults import planted
    from tests.support.simulated_gpu.patches import simulated

    torch.set_num_threads(1)
    with messages() as told, simulated(**options) as gpu, planted(fault):
        result = function(*args, **kwargs)
    return Outcome(result, told, gpu.findings, gpu.launches, gpu.scored, gpu.nodes)


@contextlib.contextmanager
def messages() -> Iterator[list[str]]:
    """Collect what skiprun logs."""
    told: list[str] = []
    handler, logger = logging.Handler(), logging.getLogger("skiprun")
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield told
    finally:
        logger.removeHandler(handler)

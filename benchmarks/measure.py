"""Arms that take turns, and what comes of it: medians, and ratios within each round."""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


@dataclass
class Arm:
    """One contestant: a loop of `worker.ARMS` with its arguments."""

    label: str
    work: dict[str, Any]
    peers: Path | None = None
    turns: list[dict[str, float]] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)

    def start(self, threads: int) -> None:
        """Start the process; it makes one step, which may compile."""
        environment = dict(os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(map(str, filter(None, [ROOT, self.peers])))
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "benchmarks.worker",
            json.dumps({"threads": threads} | self.work),
        ]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=environment
        )
        self.first = self.answer()

    def ask(self, steps: int) -> None:
        """Let it make some steps."""
        assert self.process.stdin
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()

    def answer(self) -> dict[str, float]:
        """Return what the steps took."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.label} ended with code {self.process.wait()}; run its loop alone to see why.")
        answer: dict[str, float] = json.loads(line)
        return answer

    def milliseconds(self, clock: str, steps: int) -> list[float]:
        """Return the time of a step in each round."""
        return [1000 * turn[clock] / steps for turn in self.turns]


@contextlib.contextmanager
def running(arms: list[Arm], threads: int) -> Iterator[None]:
    """Keep the processes of some arms, and end them."""
    try:
        for arm in arms:
            arm.start(threads)
        yield
    finally:
        for arm in arms:
            if hasattr(arm, "process"):
                arm.process.kill()
                arm.process.wait()


def cpu_seconds(work: Callable[[], Any], times: int = 15, warm_up: int = 0) -> float:
    """Return the median CPU time of some work, after runs that do not count."""
    spent = []
    for _ in range(warm_up + times):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return statistics.median(spent[warm_up:])


def side_by_side(arms: list[Arm], rounds: int, steps: int, threads: int) -> list[dict[str, Any]]:
    """Return a row an arm: milliseconds a step, and how many times faster than the first arm.

    With one thread the clock is the CPU time of the process, which neighbours hardly touch; else it is the wall's.
    """
    with running(arms, threads):
        for number in range(rounds + 1):
            for arm in arms:
                arm.ask(steps)
                turn = arm.answer()
                if number:  # the first round warms up
                    arm.turns.append(turn)
    clock = "cpu" if threads == 1 else "wall"
    return [row(arm, arms[0], clock, steps) for arm in arms]


def row(arm: Arm, base: Arm, clock: str, steps: int) -> dict[str, Any]:
    """Return the numbers of an arm beside those of the first."""
    own, theirs = arm.milliseconds(clock, steps), base.milliseconds(clock, steps)
    ratios = [before / after for before, after in zip(theirs, own, strict=True)]
    return {
        "arm": arm.label,
        "ms": statistics.median(own),
        "least_ms": min(own),
        "speedup": statistics.median(ratios),
        "speedup_range": [min(ratios), max(ratios)],
        "first_step_s": arm.first["wall"],
        "peak_mb": max(turn["peak_mb"] for turn in arm.turns),
        "clock": clock,
    }

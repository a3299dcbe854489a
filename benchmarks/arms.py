"""Arms that take turns, each in a process of its own: medians, and ratios within each round."""

from __future__ import annotations

import contextlib
import json
import os
import select
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks import peers
from benchmarks.measure import ROOT, Setting

# Seconds after which an arm does not count any more: one core may compile or run 1202 layers for minutes.
PATIENCE = {"cpu": 1200, "cuda": 240}


@dataclass
class Arm:
    """One contestant.

    Attributes:
        work: a loop of `worker.ARMS` with its arguments.
        peer: the package of another trainer that it needs.
        turns: what each turn took.
        first: what the first step took.
        failed: why it is out.
    """

    label: str
    work: dict[str, Any]
    peer: str | None = None
    turns: list[dict[str, float]] = field(default_factory=list)
    first: dict[str, float] = field(default_factory=dict)
    failed: str | None = None

    def start(self, setting: Setting) -> None:
        """Start the process; it makes one step, which may compile."""
        self.patience = PATIENCE[setting.device]
        pipe, work = subprocess.PIPE, {"threads": setting.threads, "device": setting.device} | self.work
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.worker", json.dumps(work)]
        try:
            theirs = peers.folder(self.peer, install=not setting.gpu) if self.peer else None
        except peers.NotInstalled as error:
            self.failed = str(error)
            return
        paths = [str(ROOT), theirs, os.environ.get("PYTHONPATH")]
        self.process = subprocess.Popen(
            command,
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, filter(None, paths)))},
        )

    def ask(self, steps: int) -> None:
        """Let it make some steps."""
        if not self.failed:
            assert self.process.stdin
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(f"{steps}\n")
                self.process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Return what the steps took; nothing if it failed, of which the trace goes to stderr."""
        if self.failed:
            return {}
        assert self.process.stdout
        if not select.select([self.process.stdout], [], [], self.patience)[0]:
            self.failed = f"no answer within {self.patience} s"
            self.process.kill()
            return {}
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"failed": f"ended with code {self.process.wait()}"}
        self.failed = answer.pop("failed", None)
        if self.failed:
            print(f"{self.label}: {answer.pop('trace', self.failed)}", file=sys.stderr)
        return answer

    def milliseconds(self, clock: str, steps: int) -> list[float]:
        """Return the time of a step in each round."""
        return [1000 * turn[clock] / steps for turn in self.turns]


@contextlib.contextmanager
def running(arms: list[Arm], setting: Setting) -> Iterator[None]:
    """Keep the processes of some arms, and end them; on a CPU they start one by one: each needs the cores."""
    try:
        for together in [arms] if setting.gpu else [[arm] for arm in arms]:
            for arm in together:
                arm.start(setting)
            for arm in together:
                arm.first = arm.answer()
        yield
    finally:
        for arm in arms:
            if hasattr(arm, "process"):
                arm.process.kill()
                arm.process.wait()


def side_by_side(
    arms: list[Arm], rounds: int, steps: int, setting: Setting, warm_up: int | None = None
) -> list[dict[str, Any]]:
    """Return a row an arm: milliseconds a step, and how many times faster than the first arm.

    Steps to warm up are as many as a turn has, if not said: a CPU's memory is in place after about twenty.
    A loader with workers has its queue full when a turn begins: a few steps of each turn wait for no images.
    """
    with running(arms, setting):
        for number in range(rounds + 1):
            for arm in arms:
                arm.ask(steps if number else warm_up or steps)
                turn = arm.answer()
                if number and turn:  # the first round warms up
                    arm.turns.append(turn)
    return [row(arm, arms[0], setting.clock, steps) for arm in arms]


def row(arm: Arm, base: Arm, clock: str, steps: int) -> dict[str, Any]:
    """Return the numbers of an arm beside those of the first, or why it has none."""
    if arm.failed:
        return {"arm": arm.label, "failed": arm.failed}
    own = arm.milliseconds(clock, steps)
    peaks = [key for key in arm.turns[0] if key.endswith("_mb")]
    return {
        "arm": arm.label,
        "ms": statistics.median(own),
        "turns_ms": own,
        "least_ms": min(own),
        **({} if base.failed else faster(own, base.milliseconds(clock, steps))),
        "first_step_s": arm.first["wall"],
        **{key: max(turn[key] for turn in arm.turns) for key in peaks},
        "clock": clock,
    }


def faster(own: list[float], theirs: list[float]) -> dict[str, Any]:
    """Return the ratio of two arms: its median over the rounds, and its range."""
    ratios = [before / after for before, after in zip(theirs, own, strict=True)]
    return {"speedup": statistics.median(ratios), "speedup_range": [min(ratios), max(ratios)]}

"""One arm in a process of its own: makes as many steps as a line on stdin says, and answers what they took.

Answers are lines of JSON on the real stdout; whatever an arm prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch

from benchmarks import loops, ours, peer_loops
from benchmarks.measure import WIDEST, why

ARMS: dict[str, Any] = {
    "classic": loops.classic,
    "expert": loops.expert,
    "timm": peer_loops.timm,
    "lightning": peer_loops.lightning,
    "skiprun": ours.skiprun,
}


class Turns:
    """Called after each step; ends a turn when its steps are done, and waits for the next."""

    def __init__(self, device: str) -> None:
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        self.left, self.gpu = 1, device == "cuda"
        self.started()

    def started(self) -> None:
        """Start the clocks."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def __call__(self) -> None:
        """Count a step."""
        self.left -= 1
        if self.left:
            return
        if self.gpu:
            torch.cuda.synchronize()
        spent = {"wall": time.perf_counter() - self.wall, "cpu": time.process_time() - self.cpu}
        spent["peak_mb"] = resident()
        if self.gpu:
            spent["gpu_mb"] = torch.cuda.max_memory_reserved() / 2**20
        self.answer(spent)
        line = sys.stdin.readline()
        if not line:
            os._exit(0)  # the arms are endless loops, some of which would catch an exception
        self.left = int(line)
        self.started()

    def answer(self, values: dict[str, Any]) -> None:
        """Answer in one line."""
        print(json.dumps(values), file=self.answers, flush=True)


def resident() -> float:
    """Return the most resident megabytes; a process's own count includes who started it."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (own[0] if own else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def main() -> None:
    """Run the arm that the first argument describes."""
    arm: dict[str, Any] = json.loads(sys.argv[1])
    torch.set_num_threads(arm.pop("threads"))
    if cores := arm.pop("cores", None):
        os.sched_setaffinity(0, cores)
    turns = Turns(arm["device"])
    try:
        ARMS[arm.pop("loop")](turns, **arm)
    except Exception as error:
        lines = traceback.format_exc().splitlines()
        turns.answer({"failed": why(error), "trace": "\n".join(line[:WIDEST] for line in lines)})


if __name__ == "__main__":
    main()

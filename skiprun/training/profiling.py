"""Profile some training steps with torch.profiler: a trace file, and a summary by operation."""

from __future__ import annotations

import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile, schedule

from skiprun.system.files import write_bytes
from skiprun.system.progress import Progress, Record
from skiprun.training.gpu import sees_gpu

log = logging.getLogger(__name__)

# The first steps compile, allocate and choose algorithms.
SKIPPED, WATCHED = 3, 5
# The first of these that is part of an operation's name says what it belongs to.
KINDS = {
    "convolution": ("convolution", "conv2d", "conv_transpose", "WinogradFunction"),
    "norm, join and ReLU as one": ("NormJoinReLU",),
    "normalization": ("batch_norm", "BatchNorm", "group_norm", "layer_norm"),
    "compiled": ("CompiledFx", "CompiledFunction", "cpp_fused", "triton_"),
    "activation": ("relu", "Relu", "threshold", "clamp_min", "gelu", "silu", "elu", "tanh"),
    "optimizer": ("Optimizer", "_fused_", "_foreach_"),
    "joins and sums": ("aten::add", "aten::sum"),
    "images": ("index_select", "constant_pad", "randint", "aten::where", "aten::rand"),
    "linear layers": ("addmm", "aten::mm", "linear"),
}


class Profiling:
    """Progress that profiles the steps behind the first few, and passes on what it is told."""

    def __init__(self, progress: Progress, trace: Path) -> None:
        self.progress, self.trace = progress, trace
        gpu = [ProfilerActivity.CUDA] if sees_gpu() else []
        watched = schedule(wait=SKIPPED - 1, warmup=1, active=WATCHED, repeat=1)
        self.profiler = profile(
            activities=[ProfilerActivity.CPU, *gpu],
            schedule=watched,
            on_trace_ready=self.report,
            acc_events=True,
        )
        self.profiler.start()

    def step(self, step: int, steps: int) -> None:
        """Pass on a step, and tell the profiler."""
        self.progress.step(step, steps)
        self.profiler.step()

    def epoch(self, record: Record) -> None:
        """Pass on the end of an epoch."""
        self.progress.epoch(record)

    def report(self, profiler: profile) -> None:
        """Write the trace and log the shares."""
        with tempfile.TemporaryDirectory() as folder:
            written = Path(folder, self.trace.name)
            profiler.export_chrome_trace(str(written))
            write_bytes(self.trace, written.read_bytes())
        for line in shares(profiler.key_averages()):
            log.info(line)
        log.info(f"Trace for chrome://tracing or Perfetto: {self.trace}")


def shares(events: Iterable[FunctionEventAvg]) -> list[str]:
    """Return a line for each kind of work: milliseconds a step and percent, the largest first."""
    spent: dict[str, float] = defaultdict(float)
    for event in events:
        if not (event.key or "").startswith("ProfilerStep"):  # what holds the operations of a step
            spent[kind(event.key or "")] += event.self_device_time_total or event.self_cpu_time_total
    total = sum(spent.values())
    largest = sorted(spent.items(), key=lambda item: -item[1])
    head = f"A step takes {total / WATCHED / 1000:.1f} ms under the profiler:"
    return [
        head,
        *(f"  {time / WATCHED / 1000:8.2f} ms {time / total:6.1%}  {name}" for name, time in largest),
    ]


def kind(operation: str) -> str:
    """Return what an operation belongs to."""
    return next(
        (name for name, parts in KINDS.items() if any(part in operation for part in parts)), "the rest"
    )

"""Profile some training steps with torch.profiler: a trace file, and a summary by operation."""

from __future__ import annotations

import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch.autograd.profiler_util import FunctionEventAvg
from torch.profiler import ProfilerActivity, profile, schedule

from skiprun.system.files import write_bytes
from skiprun.system.progress import Progress, Record
from skiprun.training.acceleration.graph import SETTLED

log = logging.getLogger(__name__)

# The first steps compile, allocate and choose algorithms. On a GPU they go on until a graph is captured, and
# one more is made without it where a probe has hooks.
SKIPPED, SKIPPED_ON_GPU, WATCHED = 3, SETTLED + 1, 5
# What a name of an operation, or of a kernel of a GPU, has in it; the first kind that fits is taken. Names of
# kernels hold that of a template (vectorized_elementwise_kernel), and what that was made for.
KINDS = {
    "compiled": ("CompiledFx", "CompiledFunction", "cpp_fused", "triton_"),
    "convolution": (
        *("convolution", "conv2d", "conv_transpose", "conv_depthwise", "convolve", "WinogradFunction"),
        *("fprop", "dgrad", "wgrad", "implicit_gemm", "winograd", "scudnn", "nchwToNhwc", "nhwcToNchw"),
    ),
    "norm, join and ReLU as one": ("NormJoinReLU",),
    "normalization": ("batch_norm", "batchnorm", "BatchNorm", "bn_", "group_norm", "GroupNorm", "layer_norm"),
    "activation": (
        *("relu", "Relu", "threshold", "clamp_min", "launch_clamp", "gelu", "Gelu", "silu", "elu", "tanh"),
        "sigmoid",
    ),
    "optimizer": ("Optimizer", "_fused_", "_foreach_", "multi_tensor_apply"),
    "pooling": ("_pool", "pooling"),
    "loss": ("softmax", "SoftMax", "nll_loss"),
    "images": (
        *(
            "index_select",
            "indexSelect",
            "index_elementwise",
            "gather",
            "constant_pad",
            "grid_sampler",
            "flip",
        ),
        *("randint", "aten::rand", "distribution", "aten::where", "where_kernel"),
    ),
    "linear layers": ("addmm", "aten::mm", "linear", "gemm", "gemv", "nvjet", "splitK"),
    "copies": ("aten::copy_", "copy_kernel", "Memcpy", "Memset", "CatArray"),
    "joins and sums": ("aten::add", "aten::sum", "Functor_add", "reduce_kernel"),
}


class Profiling:
    """Progress that profiles the steps behind the first few, and passes on what it is told."""

    def __init__(self, progress: Progress, folder: Path, device: torch.device) -> None:
        self.progress, self.trace = progress, folder / "trace.json"
        gpu = [ProfilerActivity.CUDA] if device.type == "cuda" else []
        skipped = SKIPPED_ON_GPU if gpu else SKIPPED
        self.profiler = profile(
            activities=[ProfilerActivity.CPU, *gpu],
            schedule=schedule(wait=skipped - 1, warmup=1, active=WATCHED, repeat=1),
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


def shares(events: Sequence[FunctionEventAvg]) -> list[str]:
    """Return a line for each kind of work: milliseconds a step and percent, the largest first."""
    on_gpu = any(event.device_type.name == "CUDA" for event in events)
    spent: dict[str, float] = defaultdict(float)
    for name, microseconds in kernels(events) if on_gpu else operations(events):
        spent[kind(name)] += microseconds
    total = sum(spent.values())
    largest = sorted(spent.items(), key=lambda item: -item[1])
    head = "The GPU computes {:.1f} ms a step" if on_gpu else "A step takes {:.1f} ms"
    return [
        f"{head.format(total / WATCHED / 1000)} under the profiler:",
        *(f"  {time / WATCHED / 1000:8.2f} ms {time / total:6.1%}  {name}" for name, time in largest),
    ]


def kernels(events: Sequence[FunctionEventAvg]) -> Iterator[tuple[str, float]]:
    """Yield names and microseconds of what a GPU computed; its operations have the same time once more."""
    for event in events:
        if event.device_type.name == "CUDA" and not event.is_user_annotation:
            yield event.key or "", event.self_device_time_total


def operations(events: Sequence[FunctionEventAvg]) -> Iterator[tuple[str, float]]:
    """Yield names and microseconds of what a CPU computed, but for what holds the operations of a step."""
    for event in events:
        if not (event.key or "").startswith("ProfilerStep"):
            yield event.key or "", event.self_cpu_time_total


def kind(operation: str) -> str:
    """Return what an operation belongs to."""
    return next(
        (name for name, parts in KINDS.items() if any(part in operation for part in parts)), "the rest"
    )

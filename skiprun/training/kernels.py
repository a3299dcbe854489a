"""Batch normalization, addition and ReLU as one operation on a CPU, by kernels.cpp, which is compiled on first use.

The compiler is the system's, as for torch.compile; the code is made for this processor and kept in the user's cache.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from skiprun.errors import SkiprunError
from skiprun.storage import make_folder

SOURCE = Path(__file__).with_suffix(".cpp")
# Not -ffast-math: what is not finite has to stay so.
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC", "-w")

_POINTER, _SHAPE = ctypes.c_void_p, (ctypes.c_long, ctypes.c_long)
_SIGNATURES = {
    "forward": ctypes.CFUNCTYPE(
        None, *[_POINTER] * 3, *_SHAPE, *[_POINTER] * 5, ctypes.c_float, ctypes.c_float, ctypes.c_int
    ),
    "backward": ctypes.CFUNCTYPE(None, *[_POINTER] * 6, *_SHAPE, *[_POINTER] * 4),
}
_TYPES = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


class NormJoinReLU(nn.Module):
    """y = relu(norm(x) + skip) for a batch normalization in training.

    Args:
        norm: has weights and running statistics, which are updated.
        relu: whether the ReLU is there.
        copies: how many users y has, if 2: each is given its own, and what flows back from both is added on the way.
    """

    def __init__(self, norm: nn.BatchNorm2d, relu: bool, copies: int = 1) -> None:
        super().__init__()
        self.norm, self.relu, self.copies = norm, relu, copies

    def forward(self, x: Tensor, skip: Tensor | None = None) -> Any:
        """Return y, or two of it.

        Args:
            x: [N, C, H, W], of float32 or bfloat16; other types, and a single value a channel, are left to torch.
            skip: like x; None adds nothing.
        """
        norm = self.norm
        if x.dtype not in _TYPES or (skip is not None and skip.dtype != x.dtype) or x.numel() <= x.shape[1]:
            y = norm(x) if skip is None else norm(x) + skip
            y = F.relu(y) if self.relu else y
            return y if self.copies == 1 else (y, y)
        assert norm.num_batches_tracked is not None
        norm.num_batches_tracked.add_(1)
        running = (norm.running_mean, norm.running_var, norm.momentum, norm.eps)
        return NormJoinReLUFunction.apply(
            _lay(x), skip if skip is None else _lay(skip), norm.weight, norm.bias, running, self
        )


class NormJoinReLUFunction(torch.autograd.Function):
    """The two ways of NormJoinReLU; `running` is (mean, variance, momentum, eps) of its norm."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, skip: Tensor | None, weight: Tensor, bias: Tensor, running: tuple, of: NormJoinReLU
    ) -> Any:
        y, statistics = torch.empty_like(x), torch.empty(2, x.shape[1])
        mean, variance, *numbers = running
        _call("forward", x, skip, y, *_shape(x), weight, bias, mean, variance, statistics, *numbers, of.relu)
        ctx.save_for_backward(x, y if of.relu else None, weight, statistics)
        ctx.joins = skip is not None
        ctx.set_materialize_grads(False)
        return y if of.copies == 1 else (y, y.view_as(y))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        x, y, weight, statistics = ctx.saved_tensors
        dy, dy2, *_ = [*(_lay(gradient) for gradient in gradients if gradient is not None), None]
        assert dy is not None
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        changed = y is not None or dy2 is not None
        dskip = torch.empty_like(x) if ctx.joins and changed else None
        _call("backward", x, y, dy, dy2, dx, dskip, *_shape(x), weight, statistics, dweight, dbias)
        return dx, dskip if changed or not ctx.joins else dy, dweight, dbias, None, None


def _lay(tensor: Tensor) -> Tensor:
    """Return a tensor with its channels side by side."""
    return tensor.contiguous(memory_format=torch.channels_last)


def _shape(x: Tensor) -> tuple[int, int]:
    """Return the rows and the channels of a picture in memory."""
    return x.numel() // x.shape[1], x.shape[1]


def _call(way: str, x: Tensor, *values: Any) -> None:
    """Call a function of kernels.cpp for the type of x, with the addresses of tensors."""
    _function(way, x.dtype)(*(each.data_ptr() if isinstance(each, Tensor) else each for each in (x, *values)))


@functools.cache
def _function(way: str, dtype: torch.dtype) -> Any:
    return _SIGNATURES[way].in_dll(library(), f"{way}_{_TYPES[dtype]}")


@functools.cache
def library() -> ctypes.CDLL:
    """Load the kernels, which are compiled if they are not there yet for this source, compiler and processor.

    Raises:
        SkiprunError: there is no compiler, or it fails.
    """
    compiler = find_compiler()
    if compiler is None:
        raise SkiprunError("no C++ compiler was found")
    folder = code_folder()
    processor = _run(compiler, "-march=native", "-v", "-E", "-x", "c++", os.devnull).stderr  # names what it has
    command = [compiler, *FLAGS, str(SOURCE), "-Wl,--as-needed", *_openmp(), "-fopenmp"]
    key = hashlib.sha256("\n".join([SOURCE.read_text(), *command, processor]).encode()).hexdigest()
    file = folder / f"kernels-{key[:16]}.so"
    try:
        return ctypes.CDLL(str(file))
    except OSError:  # not there yet, or not whole
        make_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / file.name
            _run(*command, "-o", str(made))
            made.replace(file)
        return ctypes.CDLL(str(file))


def code_folder() -> Path:
    """Return the user's cache of compiled code."""
    return platformdirs.user_cache_path("skiprun") / "compiled"


def _openmp() -> list[str]:
    """Return the OpenMP that torch has loaded, whatever its wheel calls it, so that both have the same threads."""
    files = [line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libgomp" in line]
    return sorted(set(files))


def find_compiler() -> str | None:
    """Return the C++ compiler of this machine, or None; elsewhere than on Linux OpenMP is another story."""
    return shutil.which(os.environ.get("CXX", "c++")) if sys.platform == "linux" else None


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    """Run the compiler, and raise SkiprunError with its first complaint."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SkiprunError(next(iter(done.stderr.splitlines()), f"{command[0]} ended with code {done.returncode}"))
    return done

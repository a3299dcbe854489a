"""Choose and configure the device, precision and threads of a run."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from skiprun.config import RunConfig
from skiprun.errors import InputError, counted, explain_out_of_memory
from skiprun.system.machine import keep_memory
from skiprun.training.gpu import NVIDIA, TF32, refuse_without_kernels, sees_gpu, why_no_gpu

log = logging.getLogger(__name__)

# How a training pass is computed (see compilation).
Execution = Literal["eager", "fused", "compiled"]


@dataclass(frozen=True)
class DeviceSetup:
    """The device of a run and how it computes there, as chosen.

    Attributes:
        device: CPU or GPU.
        precision: fp32, tf32 or bf16.
        deterministic: take no algorithm of a GPU whose bits may differ from one time to the next.
        execution: how the training pass is computed.
        threads: of a CPU; None: not chosen yet, or on a GPU.
    """

    device: torch.device
    precision: str
    deterministic: bool = False
    execution: Execution = "eager"
    threads: int | None = None

    @property
    def autocast(self) -> Callable[[], contextlib.AbstractContextManager]:
        """Return a maker of contexts where convolutions and matrix products run in the chosen precision."""
        if self.precision == "bf16":
            return lambda: torch.autocast(self.device.type, torch.bfloat16)
        return contextlib.nullcontext

    @property
    def device_name(self) -> str:
        """The model of the GPU, as bits differ between two of them; or cpu."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"

    def __str__(self) -> str:
        name = self.device_name.replace("cpu", "CPU")
        threads = f", {counted(self.threads, 'thread')}" if self.threads else ""
        return (
            f"{name}{threads}, {self.precision}{'' if self.execution == 'eager' else f', {self.execution}'}"
        )


def choose_device(config: RunConfig) -> DeviceSetup:
    """Return device and precision; `auto` takes CUDA if it is there, and bf16 where hardware multiplies it.

    Raises:
        InputError: `device: cuda` or `precision: tf32` on a machine that has no such thing.
    """
    asked = config.compute.device
    there = asked != "cpu" and sees_gpu()
    if asked == "cuda" and not there:
        place = config.place("compute.device")
        raise InputError(f"{place}: found cuda, but {why_no_gpu()}. Use auto or cpu here.")
    if asked == "auto" and not there and NVIDIA.exists():
        log.warning(f"The GPU of this machine is not used: {why_no_gpu()}.")
    device = torch.device("cuda" if there else "cpu")
    precision = fast_precision(device) if config.compute.precision == "auto" else config.compute.precision
    if precision == "tf32" and (device.type == "cpu" or torch.cuda.get_device_capability(device) < TF32):
        place = config.place("compute.precision")
        raise InputError(f"{place}: found tf32, which GPUs since NVIDIA's Ampere compute; use fp32 here.")
    return DeviceSetup(device, precision, config.compute.deterministic)


def configure_process(setup: DeviceSetup) -> None:
    """Set what torch has once a process, before its first allocation; and the threads, once chosen.

    Raises:
        InputError: this build of torch has no kernels for the GPU.
    """
    torch.backends.cudnn.benchmark = not setup.deterministic
    exact = setup.deterministic and setup.device.type == "cuda"
    if exact != torch.are_deterministic_algorithms_enabled():  # the call imports the compiler, for a second
        torch.use_deterministic_algorithms(exact)
    keep_memory()
    if setup.device.type == "cuda":
        configure_cuda(setup)
    if setup.threads:
        torch.set_num_threads(setup.threads)


def configure_cuda(setup: DeviceSetup) -> None:
    """Set what torch has once a process for a GPU, where fp32 is TF32 of 10 bits unless that is forbidden."""
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = setup.precision == "tf32"
    if setup.deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without, cuBLAS takes any workspace
        # Nothing here reads what it did not write.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    with explain_out_of_memory("before anything was put on the GPU", "Free some of it, or use device: cpu."):
        refuse_without_kernels(setup.device)


def fast_precision(device: torch.device) -> str:
    """Return bf16 where the device multiplies it in hardware: tensor cores, AMX or AVX512-BF16; else fp32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if has_matrix_units() or torch.cpu._is_avx512_bf16_supported() else "fp32"


def has_matrix_units() -> bool:
    """Tell whether the processor multiplies bf16 tile by tile (AMX), which makes convolutions cheap."""
    return torch.cpu._is_amx_tile_supported()


def memory_advice(config: RunConfig) -> str:
    """Say what would take less memory: fewer images at once, or less of each."""
    if config.micro_batch_size == 1:
        smaller = "Try --fresh with a smaller data.image_size or model.width"
        return f"{smaller}, or with --set compute.activation_checkpointing=true."
    fewer = config.micro_batch_size // 2 * config.optim.accumulate
    return f"Try --fresh with --set data.batch_size={fewer}, or with a larger optim.accumulate."

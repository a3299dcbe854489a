"""Why torch sees no GPU here, and whether it can compute on the one that it sees."""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import torch

from skiprun.errors import InputError

NVIDIA = Path("/dev/nvidia0")  # there where the driver of a GPU of NVIDIA is loaded
# Names the GPUs that a process sees, by number or UUID; CUDA reads it when it begins.
VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"
TF32 = (8, 0)  # the first compute capability whose tensor cores multiply it


def is_gpu_build() -> bool:
    """Tell whether this torch could compute on a GPU; no GPU is asked for that."""
    return bool(torch.version.cuda or torch.version.hip)


def sees_gpu() -> bool:
    """Tell whether torch sees a GPU; what it has to say of a driver is asked for by `why_no_gpu`."""
    with warnings.catch_warnings(action="ignore"):
        return torch.cuda.is_available()


def why_no_gpu() -> str:
    """Return why torch sees no GPU, and the way out."""
    if not is_gpu_build():
        where = "; pytorch.org has the command for one that uses the GPU of this machine"
        return f"torch {torch.__version__} is a build for CPUs{where if NVIDIA.exists() else ''}"
    hidden = os.environ.get(VISIBLE_GPUS)
    if hidden is not None and hidden.strip() in ("", "-1"):
        return f"{VISIBLE_GPUS}='{hidden}' hides every GPU; unset it"
    try:
        torch.cuda.init()
    except (RuntimeError, AssertionError) as error:
        return f"torch says: {re.split(r'[.] |[.]?$', str(error), maxsplit=1, flags=re.MULTILINE)[0]}"
    return "torch counts none"


def refuse_without_kernels(device: torch.device) -> None:
    """Compute one number on a GPU, so that one that this build of torch is not made for is refused in words.

    Raises:
        InputError: torch has no kernels for it.
    """
    try:
        torch.zeros(1, device=device).add_(1)
    except RuntimeError as error:
        if "no kernel image" not in str(error):
            raise
        major, minor = torch.cuda.get_device_capability(device)
        raise InputError(
            f"{torch.cuda.get_device_name(device)} has compute capability {major}.{minor}, and torch "
            f"{torch.__version__} has kernels for {', '.join(torch.cuda.get_arch_list())}. Install a build "
            "for it (pytorch.org has the command), or use compute.device: cpu."
        ) from None

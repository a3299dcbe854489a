"""Note, from the import of this on, what is asked of torch.cuda that begins CUDA or spoils it for forks."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

import torch

BEGINNERS = [
    "is_available",
    "device_count",
    "init",
    "_lazy_init",
    "current_device",
    "set_device",
    "synchronize",
]
BEGINNERS += ["get_device_name", "get_device_properties", "get_device_capability", "mem_get_info"]
BEGINNERS += ["is_bf16_supported", "get_rng_state", "memory_allocated", "current_stream", "Stream"]
CALLS: list[str] = []


def watched(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that notes by which line it is called."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        caller = traceback.extract_stack(limit=2)[0]
        CALLS.append(f"{name} by {caller.filename}:{caller.lineno}")
        return function(*args, **kwargs)

    return call


for each in BEGINNERS:
    setattr(torch.cuda, each, watched(each, getattr(torch.cuda, each)))

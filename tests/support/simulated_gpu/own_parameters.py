"""Modules that move to the simulated GPU get new parameters: a CPU tensor cannot take the others' data."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any
from unittest import mock

import torch
from torch import nn

to = nn.Module.to


@contextlib.contextmanager
def own_parameters() -> Iterator[None]:
    """Let a module that moves get new parameters; layers that share one share the new one."""
    lifted = torch._C._only_lift_cpu_tensors()
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(x, device="cuda") makes a CPU tensor first
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with mock.patch.object(nn.Module, "to", to_sharing):
            yield
    finally:
        torch._C._set_only_lift_cpu_tensors(lifted)
        torch.__future__.set_overwrite_module_params_on_conversion(overwrite)


def to_sharing(module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    """Do what Module.to does, and let layers share what they shared."""
    before = [
        (layer._parameters, name, parameter)
        for layer in module.modules()
        for name, parameter in layer._parameters.items()
    ]
    to(module, *args, **kwargs)
    moved: dict[int, nn.Parameter | None] = {}
    for parameters, name, parameter in before:
        parameters[name] = moved.setdefault(id(parameter), parameters[name])
    return module

"""Batch norm over ranks: as near to float64 as torch's own, and nearer where channels are last."""

from __future__ import annotations

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from skiprun.training.synchronized_norm import SynchronizedBatchNorm2d

LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def pass_through(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    """Return what it normalized and the gradients of x, weight and bias, behind one another, in float64."""
    x = x.detach().requires_grad_()
    y = norm(x)
    y[x > 1].sum().backward()
    found = [y, x.grad, norm.weight.grad, norm.bias.grad, norm.running_mean, norm.running_var]
    exact = [each.detach().double().flatten() for each in found if each is not None]
    return torch.cat([each / each.norm() for each in exact])


def error(kind: type[nn.BatchNorm2d], layout: str) -> float:
    """Return how far a batch norm in float32 is from float64, relative to each of its results."""
    x = torch.randn(128, 4, 32, 32, generator=torch.Generator().manual_seed(0)) + 1
    exact = pass_through(nn.BatchNorm2d(4).double(), x.double())
    return (pass_through(kind(4), x.to(memory_format=LAYOUTS[layout])) - exact).norm().item()


@pytest.fixture(autouse=True)
def one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dist, "get_world_size", lambda: 1)
    monkeypatch.setattr(dist, "all_reduce", lambda tensor: None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_as_near_to_float64_as_torch_in_either_layout(layout: str) -> None:
    assert error(SynchronizedBatchNorm2d, layout) < 1e-6
    assert error(nn.BatchNorm2d, "contiguous") < 1e-6


def test_where_channels_are_last_torch_sums_in_float32() -> None:
    """What docs/scale.md says; once this fails, torch has mended it."""
    assert error(nn.BatchNorm2d, "channels last") > 3e-6

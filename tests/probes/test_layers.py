"""Activation and weight-norm probes on layers with known inputs and weights."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from skiprun.probes.activations import Activations
from skiprun.probes.weight_norm import WeightNorm


def read(
    probe: Activations | WeightNorm,
    model: nn.Module,
    parts: Sequence[Tensor],
) -> dict[str, float]:
    with probe.watch(model):
        for part in parts:
            model(part).sum().backward()
    return dict(zip(probe.tags(model), probe.read().tolist(), strict=True))


def two_layers() -> nn.Module:
    """Return a network whose second layer receives relu(x), relu(-x) and a unit that is never above zero."""
    model = nn.Sequential(nn.Linear(1, 3), nn.ReLU(inplace=True), nn.Linear(3, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [-1.0], [0.0]]))
        model[0].bias.copy_(torch.tensor([0.0, 0.0, -1.0]))
    return model


@pytest.mark.parametrize("parts", [1, 2])
def test_mean_deviation_and_dead_share_of_what_a_layer_receives(parts: int) -> None:
    x = torch.tensor([[3.0], [-1.0]])
    values = read(Activations(), two_layers(), x.chunk(parts))
    received = torch.tensor([3.0, 0.0, 0.0, 0.0, 1.0, 0.0])
    assert values["activation_mean/02.2"] == pytest.approx(received.mean().item())
    assert values["activation_std/02.2"] == pytest.approx(received.std(correction=0).item())
    assert values["activation_dead/02.2"] == pytest.approx(1 / 3)
    assert values["activation_mean/01.0"] == 1.0 and values["activation_dead/01.0"] == 0.0


def test_a_channel_is_dead_if_it_is_zero_at_every_place() -> None:
    x = torch.zeros(2, 4, 3, 3)
    x[1, 2, 0, 1] = 5.0
    values = read(Activations(), nn.Sequential(nn.Conv2d(4, 1, 3)), [x])
    assert values["activation_dead/01.0"] == 0.75


def test_weight_norm_and_the_gradient_beside_it() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[3.0, 4.0]]))
    values = read(WeightNorm(), model, [torch.tensor([[1.0, 0.0]])])
    assert values == pytest.approx({"weight_norm/01.0": 5.0, "grad_over_weight/01.0": 0.2})


def test_a_weight_of_zero_has_no_relative_gradient() -> None:
    model = nn.Sequential(nn.Linear(2, 1, bias=False))
    nn.init.zeros_(model.get_parameter("0.weight"))
    assert read(WeightNorm(), model, [torch.ones(1, 2)])["grad_over_weight/01.0"] == 0.0

"""Gradient flow against a chain worked out by hand and the reference values at initialization."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections.add import Add
from skiprun.connections.none import NoConnection
from skiprun.models import build_model
from skiprun.models.families.resnet_cifar import CifarResNet
from skiprun.studies.gradflow import gradflow


def no_norm(channels: int) -> nn.Module:
    return nn.Identity()


def networks(
    connection: type, depth: int, norm: Callable[..., Any] | type = nn.BatchNorm2d, seeds: int = 2
) -> Iterator[nn.Module]:
    for seed in range(seeds):
        torch.manual_seed(seed)
        yield CifarResNet(10, 3, connection, depth, norm=norm)


def images(count: int = 32) -> tuple[Tensor, Tensor]:
    """Return random images that are mostly grey and smooth, as photographs are; normalised."""
    generator = torch.Generator().manual_seed(0)
    image = torch.zeros(count, 3, 32, 32)
    for size in (1, 2, 4, 8, 16):
        grey, colour = (torch.randn(count, channels, size, size, generator=generator) for channels in (1, 3))
        image += nn.functional.interpolate(0.8 * grey + 0.2 * colour, size=32, mode="bilinear")
    return image / image.std(), torch.randint(10, (count,), generator=generator)


def test_a_chain_of_scalar_layers_grows_by_its_weight() -> None:
    chain = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(5))).double()
    for layer in chain:
        nn.init.constant_(layer.weight, 2.0)
    batch = (torch.ones(1, 1).double(), torch.zeros(1))
    result = gradflow([chain], [batch], lambda output, target: output.sum())
    layers = [row for row in result.rows if row["at"] == "layer"]
    assert [row["actgrad"] for row in layers] == [16.0, 8.0, 4.0, 2.0, 1.0]
    assert [row["grad_norm"] for row in layers] == [16.0] * 5, (
        "the input of a layer grows as its gradient shrinks"
    )
    assert result.facts["growth_per_layer"] == pytest.approx(2.0)
    assert result.facts["first_over_last"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("connection", "norm", "weights", "signal", "growth"),
    [
        (NoConnection, nn.BatchNorm2d, 3.2, 23, 1.20),
        (Add, nn.BatchNorm2d, 0.79, 6.4, 1.115),
        (NoConnection, no_norm, 0.51, 0.51, 0.96),
        (Add, no_norm, 0.18, 8.7, 1.136),
    ],
)
def test_twenty_layers_at_initialization_agree_with_the_reference(
    connection: type, norm: Callable[..., Any] | type, weights: float, signal: float, growth: float
) -> None:
    facts = gradflow(networks(connection, 20, norm), [images()], nn.functional.cross_entropy).facts
    assert math.log10(facts["first_over_last"]) == pytest.approx(math.log10(weights), abs=0.5)
    assert math.log10(facts["actgrad_first_over_last"]) == pytest.approx(math.log10(signal), abs=0.5)
    assert facts["growth_per_layer"] == pytest.approx(growth, abs=0.05)


@pytest.mark.parametrize(
    ("connection", "weights", "word"), [(NoConnection, 603, "Explod"), (Add, 3.4, "Within")]
)
def test_fifty_six_layers_explode_when_plain_and_do_not_when_residual(
    connection: type, weights: float, word: str
) -> None:
    result = gradflow(networks(connection, 56), [images()], nn.functional.cross_entropy)
    assert math.log10(result.facts["first_over_last"]) == pytest.approx(math.log10(weights), abs=0.7)
    assert result.verdict.startswith(word)


def test_without_norm_the_signal_of_a_residual_network_doubles_at_every_block() -> None:
    result = gradflow(networks(Add, 56, no_norm, seeds=1), [images(8)], nn.functional.cross_entropy)
    assert result.facts["variance_theory"] == 2.0
    assert result.facts["variance_per_block"] == pytest.approx(2.0, abs=0.3)
    assert "signal itself explodes" in result.verdict


def test_layers_without_a_gradient_are_said_and_not_divided() -> None:
    net = build_model("resnet20").requires_grad_(False)
    net.fc.requires_grad_(True)
    result = gradflow([net], [images(2)], nn.functional.cross_entropy)
    assert result.facts["first_over_last"] is None
    assert result.verdict.startswith("No gradient")


def test_frozen_first_layers_give_no_ratio_rather_than_a_gradient_that_vanishes() -> None:
    net = build_model("resnet20", width=4)
    for part in (net.conv1, net.bn1, net.layer1):
        part.requires_grad_(False)
    result = gradflow([net], [images(8)], nn.functional.cross_entropy)
    assert result.facts["first_over_last"] is None and result.facts["actgrad_first_over_last"] is None
    assert result.verdict.startswith("No gradient") and "frozen" in result.verdict
    assert 0 < result.facts["max_over_min"] < 1e3, "of the layers that learn"
    norms = {row["layer"]: row["grad_norm"] for row in result.rows if row["at"] == "layer"}
    assert math.isnan(norms["layer1.0.conv1"]) and norms["layer2.0.conv1"] > 0

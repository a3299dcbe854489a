"""Weights cast at once have the bits of autocast, both ways; norms that count on the host count alike."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from skiprun.training.acceleration.cast_weights import cast_once, layers_to_cast
from skiprun.training.acceleration.fewer_launches import counted_on_host, norms_that_count
from tests.support.tiny import tiny_config, tiny_trainer

BF16 = torch.bfloat16


class Standardized(nn.Conv2d):
    """A convolution that computes with its weight in float32 before autocast does."""

    def forward(self, input: Tensor) -> Tensor:
        return F.conv2d(input, self.weight - self.weight.mean(), self.bias, padding=1)


class Net(nn.Module):
    """Layers that are shared, frozen, unused, derived, recomputed, exact, or read by somebody else."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
        self.first, self.second = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.second.weight = self.first.weight
        self.unused = nn.Conv2d(4, 4, 1)
        self.standardized = Standardized(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.up = nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.head, self.tied = nn.Linear(4, 5), nn.Embedding(5, 4)
        self.tied.weight = self.head.weight
        self.exact, self.cosine = nn.Linear(5, 5), nn.Linear(5, 5)

    def forward(self, images: Tensor) -> Tensor:
        """Return scores; batch norm sees each batch twice."""
        x = self.norm(self.first(self.stem(images)))
        x = self.norm(self.standardized(torch.relu(self.second(x))))
        x = checkpoint(self.up, x, use_reentrant=False)
        scores: Tensor = self.head(x.mean((2, 3)))
        with torch.autocast("cpu", enabled=False):
            scores = self.exact(scores.float())
        scores = F.linear(scores, F.normalize(self.cosine.weight))
        return scores + self.tied.weight.float().sum() + self.up.weight.square().sum()


def trained(model: nn.Module, cast: bool) -> nn.Module:
    """Return a copy of a network after the backward passes of two micro-batches."""
    model = copy.deepcopy(model)
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    parameters = dict(model.named_parameters())
    with cast_once(layers_to_cast(model), BF16) if cast else torch.enable_grad():
        for part in images.chunk(2):
            with torch.autocast("cpu", BF16):
                output = model(part)
            output.float().square().sum().backward()
    assert all(parameters[name] is each for name, each in model.named_parameters())
    return model


def test_gradients_are_those_of_autocast() -> None:
    torch.manual_seed(0)
    model = Net()
    for found, expected in zip(
        trained(model, True).parameters(), trained(model, False).parameters(), strict=True
    ):
        assert (found.grad is None) == (expected.grad is None)
        if expected.grad is not None and found.grad is not None:
            assert found.grad.dtype == torch.float32
            assert torch.equal(found.grad, expected.grad)


def test_what_autocast_casts_is_known_by_its_class() -> None:
    model = Net()
    paths = {layer: path for path, layer in model.named_modules()}
    found = {f"{paths[layer]}.{name}" for layer, name in layers_to_cast(model)}
    both = itertools.product(
        ("stem", "first", "second", "unused", "up", "exact", "cosine"), ("weight", "bias")
    )
    assert found == {f"{layer}.{name}" for layer, name in both} | {"head.bias"}


def test_after_an_error_the_parameters_are_back() -> None:
    model = Net()
    before = list(model.parameters())
    with pytest.raises(ZeroDivisionError), cast_once(layers_to_cast(model), BF16):
        assert "forward" in vars(model.first)
        raise ZeroDivisionError
    assert not any("forward" in vars(layer) for layer in model.modules())
    assert all(one is other for one, other in zip(before, model.parameters(), strict=True))


def test_a_norm_counts_every_pass() -> None:
    model = Net()
    counter = model.norm.num_batches_tracked
    assert counter is not None
    for _ in range(3):
        with counted_on_host(norms_that_count(model)):
            model(torch.randn(2, 3, 8, 8))
            assert int(counter) % 2 == 0
    assert model.norm.num_batches_tracked is counter
    assert int(counter) == 6


def test_a_norm_that_computes_with_its_count_is_left_alone() -> None:
    assert norms_that_count(nn.BatchNorm2d(4, momentum=None)) == []
    assert norms_that_count(nn.BatchNorm2d(4, track_running_stats=False)) == []


class Warmed(nn.BatchNorm2d):
    """A norm that computes with its count."""


def test_a_norm_or_a_layer_of_another_class_or_pass_is_left_alone() -> None:
    assert norms_that_count(Warmed(4)) == []
    layer = nn.Linear(4, 4)
    layer.forward = lambda input: input @ layer.weight.float()  # type: ignore[method-assign]
    assert layers_to_cast(layer) == []


def test_a_cpu_computes_with_its_parameters(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config(compute={"precision": "bf16"}))
    weight = next(trainer.model.parameters())
    with trainer.fewer_launches():
        assert next(trainer.model.parameters()) is weight

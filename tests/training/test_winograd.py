"""Convolutions by Winograd's algorithm give what the sum itself gives, for images of any size."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.errors import SkiprunError
from skiprun.models import build_model
from skiprun.training.acceleration.fusion import fuse
from skiprun.training.acceleration.kernels.winograd import (
    CONVOLVE,
    WinogradConv2d,
    WinogradFunction,
    is_supported,
)
from skiprun.training.device import has_matrix_units

EXACT = torch.float64


def are_there() -> bool:
    try:
        return CONVOLVE.is_there(torch.float32)
    except SkiprunError:
        return False


pytestmark = pytest.mark.skipif(not are_there(), reason="needs a C++ compiler and AVX-512")
TYPES = [
    torch.float32,
    pytest.param(
        torch.bfloat16,
        marks=pytest.mark.skipif(not torch.cpu._is_avx512_bf16_supported(), reason="needs AVX512-BF16"),
    ),
]


def draw(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)
    return drawn.contiguous(memory_format=torch.channels_last)


def results(convolve: Any, x: Tensor, weight: Tensor, dy: Tensor) -> list[Tensor]:
    """Return y, the gradient of x and that of the weight."""
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    y = convolve(x, weight)
    y.backward(dy)
    assert x.grad is not None
    assert weight.grad is not None
    return [y.detach().to(EXACT), x.grad.to(EXACT), weight.grad.to(EXACT)]


def direct(x: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(x, weight.to(x.dtype), padding=1)


def distance(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


# Odd numbers of lines, columns and tiles; one line; less than a block of tiles and more than several; 16 to
# 80 channels
SIZES = [
    (1, 1, 1, 16, 16),
    (2, 2, 2, 64, 64),
    (3, 1, 9, 16, 32),
    (3, 9, 1, 32, 16),
    (5, 7, 7, 48, 16),
    (2, 13, 10, 16, 80),
    (1, 33, 31, 32, 48),
    (9, 8, 8, 64, 64),
    (32, 32, 32, 16, 16),
    (1, 3, 130, 16, 16),
    (1, 3, 300, 16, 16),
]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_convolution_and_its_gradients_are_the_exact_ones(
    size: tuple[int, ...], dtype: torch.dtype
) -> None:
    images, height, width, before, after = size
    x = draw(images, before, height, width, seed=1, dtype=dtype)
    weight = draw(after, before, 3, 3, seed=2) / (9 * before) ** 0.5
    dy = draw(images, after, height, width, seed=3, dtype=dtype)
    exact = results(direct, x.to(EXACT), weight.to(EXACT), dy.to(EXACT))
    for found, expected in zip(results(WinogradFunction.apply, x, weight, dy), exact, strict=True):
        assert found.shape == expected.shape
        assert distance(found, expected) < {torch.float32: 2e-6, torch.bfloat16: 6e-3}[dtype]


@pytest.mark.parametrize("dtype", TYPES)
def test_rounding_is_of_the_size_of_a_direct_convolution_s(dtype: torch.dtype) -> None:
    x, dy = (draw(16, 64, 16, 16, seed=seed, dtype=dtype) for seed in (1, 3))
    weight = draw(64, 64, 3, 3, seed=2) / 24
    exact = results(direct, x.to(EXACT), weight.to(EXACT), dy.to(EXACT))
    torchs, ours = results(direct, x, weight, dy), results(WinogradFunction.apply, x, weight, dy)
    for theirs, found, expected in zip(torchs, ours, exact, strict=True):
        assert distance(found, expected) < 2.5 * distance(theirs, expected)


@pytest.mark.parametrize("dtype", TYPES)
def test_bits_do_not_depend_on_the_number_of_threads(dtype: torch.dtype) -> None:
    x, weight, dy = (
        draw(20, 32, 16, 16, seed=1, dtype=dtype),
        draw(48, 32, 3, 3, seed=2),
        draw(20, 48, 16, 16, seed=3),
    )
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            found.append(results(WinogradFunction.apply, x, weight, dy.to(dtype)))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_what_is_not_finite_stays_so() -> None:
    x, weight = draw(2, 16, 8, 8, seed=1), draw(16, 16, 3, 3, seed=2)
    x[0, 3, 4, 4] = float("nan")
    found, expected = WinogradFunction.apply(x, weight), direct(x, weight)
    assert found[expected.isnan()].isnan().all()
    assert found[1].isfinite().all()


def test_only_gradients_that_are_asked_for_are_computed() -> None:
    x, weight = draw(2, 16, 8, 8, seed=1), draw(16, 16, 3, 3, seed=2)
    for asked, other in ((x, weight), (weight, x)):
        asked, other = asked.detach().requires_grad_(), other.detach()
        pair = (asked, other) if asked.shape == x.shape else (other, asked)
        WinogradFunction.apply(*pair).sum().backward()
        assert asked.grad is not None
        assert other.grad is None


OTHERS: dict[str, dict[str, Any]] = {
    "stride": {"stride": 2},
    "no padding": {"padding": 0},
    "wider padding": {"padding": 2},
    "dilation": {"dilation": 2},
    "groups": {"groups": 2},
    "bias": {"bias": True},
    "mirrored edges": {"padding_mode": "reflect"},
    "1x1": {"kernel_size": 1, "padding": 0},
    "5x5": {"kernel_size": 5, "padding": 2},
    "three channels": {"in_channels": 3},
    "ten classes": {"out_channels": 10},
    "too many weights": {"in_channels": 1024, "out_channels": 512},
}
USUAL: dict[str, Any] = {"in_channels": 32, "out_channels": 32, "kernel_size": 3, "padding": 1, "bias": False}


@pytest.mark.parametrize("what", OTHERS)
def test_other_convolutions_are_left_to_torch(what: str) -> None:
    assert is_supported(nn.Conv2d(**USUAL))
    assert not is_supported(nn.Conv2d(**USUAL | OTHERS[what]))
    assert not is_supported(nn.Conv2d(**USUAL).double())
    assert not is_supported(nn.ConvTranspose2d(32, 32, 3, padding=1))


def test_what_the_kernels_cannot_take_is_left_to_torch() -> None:
    conv, x = nn.Conv2d(**USUAL), draw(2, 32, 8, 8, seed=1)
    layer = WinogradConv2d(conv)
    empty = torch.zeros(0, 32, 8, 8, requires_grad=True)
    layer(empty).sum().backward()
    assert conv.weight.grad is not None
    assert torch.equal(conv.weight.grad, torch.zeros_like(conv.weight))
    with pytest.raises(RuntimeError, match="to have 32 channels, but got 16"):
        layer(x[:, :16])
    with pytest.raises(RuntimeError, match="BFloat16"):
        layer(x.bfloat16())
    for dtype in (EXACT, torch.bfloat16):  # after the network was fused
        conv.to(dtype)
        assert torch.equal(layer(x.to(dtype)), conv(x.to(dtype)))


def test_a_layer_that_narrows_is_taken_and_images_of_its_output_s_width_are_not() -> None:
    layer, x = WinogradConv2d(nn.Conv2d(**USUAL | {"out_channels": 16})), draw(2, 32, 8, 8, seed=1)
    assert type(layer(x).grad_fn).__name__ == "WinogradFunctionBackward"
    with pytest.raises(RuntimeError, match="to have 32 channels, but got 16"):  # no reading beyond x
        layer(x[:, :16])


@pytest.mark.skipif(not torch.cpu._is_avx512_bf16_supported(), reason="needs AVX512-BF16")
def test_autocast_names_the_type(monkeypatch: pytest.MonkeyPatch) -> None:
    conv, x = nn.Conv2d(**USUAL).to(memory_format=torch.channels_last), draw(2, 32, 8, 8, seed=1)  # type: ignore[call-overload]
    layer = WinogradConv2d(conv)
    assert layer(x).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        direct_one, found = conv(x), layer(x)
        monkeypatch.setattr("skiprun.training.acceleration.kernels.winograd.has_matrix_units", lambda: True)
        assert torch.equal(layer(x), direct_one)  # matrix units are faster at the sum itself
    assert found.dtype == torch.bfloat16
    assert has_matrix_units() or not torch.equal(found, direct_one)
    found.float().sum().backward()
    assert conv.weight.grad is not None
    assert conv.weight.grad.dtype == torch.float32


# How many of a network's convolutions are replaced
NETWORKS = {
    "plain20": 16,
    "resnet56": 52,
    "wrn16_4": 10,
    "resnet18": 13,
    "densenet40_12": 0,
    "unet": 14,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_convolutions_of_a_network_that_suit_are_replaced(name: str) -> None:
    call: Any = fuse(build_model(name, 3, 3).train())
    called = [call.get_submodule(node.target) for node in call.graph.nodes if node.op == "call_module"]
    assert sum(isinstance(layer, WinogradConv2d) for layer in called) == NETWORKS[name]
    assert not any(is_supported(layer) for layer in called)

"""A fused pass trains as the layers one by one do, only nearer to exact arithmetic."""

from __future__ import annotations

import copy
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.errors import SkiprunError, Stopped
from skiprun.models import build_model
from skiprun.models.weights.freeze import freeze, frozen_state
from skiprun.registry import MODELS
from skiprun.training.acceleration.compilation import ForwardPass, is_cut_short
from skiprun.training.acceleration.fusion import fuse
from skiprun.training.acceleration.kernels import library
from skiprun.training.acceleration.kernels.library import Kernel, find_compiler
from skiprun.training.acceleration.kernels.norm import NormJoinReLU
from skiprun.training.checkpoint_file import load
from skiprun.training.device import choose_device
from skiprun.training.trainer import Trainer
from tests.support.tiny import tiny_config, tiny_trainer
from tests.training.test_trainer import StopAt, assert_same_run, lines

pytestmark = pytest.mark.skipif(find_compiler() is None, reason="needs a C++ compiler")
EXACT = torch.float64


def image(channels: int, dtype: torch.dtype, seed: int, size: int = 9) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(6, channels, size, size, generator=generator) * 2 + 3
    return drawn.to(dtype, memory_format=torch.channels_last).requires_grad_()


def norm(channels: int) -> nn.BatchNorm2d:
    generator = torch.Generator().manual_seed(1)
    made = nn.BatchNorm2d(channels)
    with torch.no_grad():
        made.weight.copy_(torch.rand(channels, generator=generator) + 0.5)
        made.bias.copy_(torch.randn(channels, generator=generator))
    return made


def results(layer: nn.BatchNorm2d, y: list[Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """Return outputs, gradients and statistics, where what flows back into each output is drawn."""
    back = [
        image(each.shape[1], torch.bfloat16, 4 + n, each.shape[2]).to(each.dtype) for n, each in enumerate(y)
    ]
    torch.autograd.backward(y, back)
    grads = [each.grad for each in (*inputs, layer.weight, layer.bias)]
    state = [layer.running_mean, layer.running_var, layer.num_batches_tracked]
    return [each.detach().to(EXACT) for each in (*y, *grads, *state) if each is not None]


@pytest.mark.parametrize("channels", [1, 3, 12, 16, 31, 100, 128])
@pytest.mark.parametrize("join", [False, True])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_operation_is_that_of_the_layers_in_exact_arithmetic(
    channels: int, join: bool, relu: bool, copies: int, dtype: torch.dtype
) -> None:
    inputs = [image(channels, dtype, 2)] + [image(channels, dtype, 3)] * join
    layer = norm(channels)
    found = NormJoinReLU(layer, relu, copies)(*inputs)
    found = results(layer, list(found) if copies == 2 else [found], inputs)

    inputs = [each.detach().to(EXACT).requires_grad_() for each in inputs]
    layer = norm(channels).to(EXACT)
    y = layer(inputs[0]) + (inputs[1] if join else 0)
    y = F.relu(y) if relu else y
    expected = results(layer, [y] * copies, inputs)

    tolerance = {torch.float32: 2e-5, torch.bfloat16: 2e-2}[dtype]
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).norm() <= tolerance * other.norm()


def test_values_far_from_zero_keep_their_variance() -> None:
    x = image(16, torch.float32, 2).detach() + 10_000
    layer = nn.BatchNorm2d(16, momentum=1.0)
    NormJoinReLU(layer, relu=False)(x)
    exact = x.to(EXACT).var((0, 2, 3))
    torch.testing.assert_close(layer.running_var, exact.float(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [1e-10, 1e13, 1e15, 1e17])
def test_the_gradient_of_huge_and_tiny_inputs_is_exact_too(size: float, dtype: torch.dtype) -> None:
    x = (image(16, dtype, 2).detach() * size).requires_grad_()
    exact = x.detach().to(EXACT).requires_grad_()
    found = results(layer := norm(16), [NormJoinReLU(layer, relu=False)(x)], [x])
    expected = results(layer := norm(16).to(EXACT), [layer(exact)], [exact])
    tolerance = {torch.float32: 2e-5, torch.bfloat16: 2e-2}[dtype]
    for one, other in zip(found, expected, strict=True):
        assert (one - other).norm() <= tolerance * other.norm()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_not_finite_stays_so(dtype: torch.dtype) -> None:
    x = image(16, dtype, 2).detach()
    x[0, 3, 0, 0] = float("nan")
    x[0, 4, 0, 0] = -float("inf")
    y, expected = NormJoinReLU(norm(16), relu=True)(x), F.relu(norm(16)(x.float()))
    assert torch.equal(y.isnan(), expected.isnan())
    assert y[:, 3].isnan().all()
    skip = torch.zeros_like(x)
    skip[1] = -float("inf")
    y = NormJoinReLU(norm(16), relu=True)(image(16, dtype, 2).detach(), skip)
    assert torch.equal(y[1], torch.zeros_like(y[1]))


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            x, layer = image(16, torch.bfloat16, 2, size=64), norm(16)
            found.append(results(layer, [NormJoinReLU(layer, relu=True)(x)], [x]))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(torch.equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_what_the_operation_cannot_take_is_left_to_torch() -> None:
    layer = norm(4)
    x = image(4, EXACT, 2)
    layer.double()
    torch.testing.assert_close(NormJoinReLU(layer, relu=True, copies=2)(x)[1], F.relu(norm(4).double()(x)))
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        NormJoinReLU(norm(4), relu=True)(torch.zeros(1, 4, 1, 1))
    x, weights = image(4, torch.float32, 2), torch.randn(6, 4, 1, 1)
    torch.testing.assert_close(NormJoinReLU(norm(4), relu=False)(x, weights), norm(4)(x) + weights)
    half = norm(4).bfloat16()
    torch.testing.assert_close(NormJoinReLU(half, relu=False)(x.bfloat16()), norm(4).bfloat16()(x.bfloat16()))


class Odd(nn.Module):
    """Sums that are not of two images as they are, and layers that somebody watches."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(16, 16, 3, padding=1, bias=False)
        self.bn1, self.bn2, self.bn3 = (nn.BatchNorm2d(16) for _ in range(3))
        self.seen: list[str] = []
        for name in ("conv", "bn3"):
            getattr(self, name).register_forward_hook(lambda *_, name=name: self.seen.append(name))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.add(self.bn1(self.conv(x)), x, alpha=3)
        return self.bn3(self.bn2(x) + x.mean((2, 3), keepdim=True))


def test_what_looks_like_a_join_and_is_not_stays_what_it_is() -> None:
    model, x = Odd().train(), image(16, torch.float32, 2)
    torch.testing.assert_close(fuse(model)(x), model(x), rtol=1e-4, atol=1e-4)
    assert model.seen == ["conv", "bn3"] * 2


class FailsHalfway(nn.Module):
    """Its second result of two is written over, which autograd refuses for one of several views."""

    def __init__(self) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = F.dropout(self.bn(x), 0.5)
        z = self.bn(y)
        return F.relu(z, inplace=True) + z


def test_a_pass_that_fails_halfway_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    fails, eager = FailsHalfway().train(), FailsHalfway().train()
    x = image(4, torch.float32, 2).detach()
    torch.manual_seed(0)
    found = ForwardPass(fails, "fused")(x)
    torch.manual_seed(0)
    assert torch.equal(found, eager(x))
    assert caplog.messages[0].startswith("Fusing the training pass failed")
    assert all(map(torch.equal, fails.buffers(), eager.buffers()))


# By name: options, how many normalizations are fused, and how many of those have two users
NETWORKS: dict[str, tuple[dict[str, Any], int, int]] = {
    "plain20": ({}, 19, 0),
    "resnet20": ({}, 19, 9),
    "preact20": ({}, 19, 3),
    "densenet40_12": ({}, 39, 0),
    "highway20": ({}, 19, 0),
    "mobilenet_v2": ({}, 52, 5),
    "efficientnet_b0": ({}, 49, 5),
    "resnet18": ({}, 20, 7),
    "unet": ({"width": 4}, 18, 4),
    "unetplusplus": ({"width": 4}, 30, 3),
    "convnext_tiny": ({}, 0, 0),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fused_network_computes_what_it_did_before(name: str) -> None:
    options, fused_layers, pairs = NETWORKS[name]
    torch.manual_seed(0)
    eager = build_model(name, 3, 3, **options).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    exact, fused = copy.deepcopy(eager).double(), copy.deepcopy(eager)
    call = fuse(fused)
    made = [module for module in call.modules() if isinstance(module, NormJoinReLU)]  # type: ignore[attr-defined]
    assert len(made) == fused_layers
    assert sum(each.copies == 2 for each in made) == pairs
    images = torch.randn(3, 3, 40, 40).contiguous(memory_format=torch.channels_last)
    wanted = torch.randn(eager(images[:1].expand(2, -1, -1, -1)).shape[1:])
    eager.load_state_dict(fused.state_dict())

    def outcome(model: nn.Module, forward: Any) -> list[Tensor]:
        dtype = next(model.parameters()).dtype
        torch.manual_seed(1)  # for dropout and stochastic depth
        output = forward(images.to(dtype))
        (output * wanted.to(dtype)).sum().backward()
        statistics = [buffer.double().flatten() for buffer in model.buffers()]
        grads = [weight.grad.double().flatten() for weight in model.parameters() if weight.grad is not None]
        assert list(model.state_dict()) == list(exact.state_dict())
        return [output.double(), torch.cat([*statistics, torch.ones(1)]), torch.cat(grads)]

    truth, layers, ours = outcome(exact, exact), outcome(eager, eager), outcome(fused, call)
    for one, two, three in zip(truth[:2], layers, ours, strict=False):
        # No further from exact arithmetic than the layers of torch are, but for chance where both are near.
        assert (three - one).norm() <= 3 * (two - one).norm() + 1e-5 * one.norm()
    # A value next to zero may fall on either side of a ReLU, and takes its gradient with it.
    assert (ours[2] - truth[2]).norm() <= 0.05 * truth[2].norm()


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in MODELS if not entry.name.endswith("1202")])
def test_every_network_can_be_looked_into(name: str) -> None:
    torch.manual_seed(0)
    eager = build_model(name, 3, 3).train()
    fused = copy.deepcopy(eager)
    call: Any = fuse(fused)
    assert not any(type(layer) is nn.BatchNorm2d for layer in _called(call))
    # In float64 the operation is torch's again, so that deep plain networks do not turn its rounding into
    # noise.
    images, outputs = torch.randn(2, 3, 64, 64, dtype=EXACT), []
    for forward in (eager.double(), call.double()):
        torch.manual_seed(1)
        outputs.append(forward(images).detach())
    torch.testing.assert_close(outputs[0], outputs[1])
    for each in (eager.float(), call.float()):
        assert each(images.float()).shape == outputs[0].shape
    assert [key for key, _ in eager.named_buffers()] == [key for key, _ in fused.named_buffers()]


def _called(call: Any) -> list[nn.Module]:
    """Return the layers that a traced network calls itself."""
    return [call.get_submodule(node.target) for node in call.graph.nodes if node.op == "call_module"]


def fused_trainer(folder: Path, **options: Any) -> Trainer:
    config = tiny_config(**options.pop("sections", {}))
    setup = replace(choose_device(config), execution="fused")
    return tiny_trainer(folder, config, setup=setup, **options)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_fused_run_learns_what_an_eager_one_does(
    tmp_path: Path, precision: str, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = fused_trainer(tmp_path / "fused", sections={"compute": {"precision": precision}})
    trainer.fit()
    assert (caplog.messages, trainer.forward_pass.execution) == ([], "fused")
    tiny_trainer(tmp_path / "eager", tiny_config(compute={"precision": precision})).fit()
    near = {"fp32": 1e-4, "bf16": 3e-2}[precision]
    for one, other in zip(lines(tmp_path / "fused")[:3], lines(tmp_path / "eager")[:3], strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=near)


@pytest.mark.parametrize(
    "optim", [{}, {"ema": 0.9}, {"accumulate": 2}], ids=["weights", "average", "accumulated"]
)
def test_a_fused_run_stopped_and_continued_ends_with_the_same_bits(
    tmp_path: Path, optim: dict[str, Any]
) -> None:
    fused_trainer(tmp_path / "whole", sections={"optim": optim}).fit()
    with pytest.raises(Stopped):
        fused_trainer(tmp_path / "parts", sections={"optim": optim}, stop_signal=StopAt(5)).fit()
    continued = tiny_trainer(
        tmp_path / "parts", tiny_config(optim=optim)
    )  # the checkpoint says that it is fused
    assert continued.forward_pass.execution == "fused"
    continued.fit()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_a_strength_that_fades_reaches_the_fused_pass(tmp_path: Path) -> None:
    from skiprun.connections.fade import make_fadable, set_skip_strength

    torch.manual_seed(0)
    model = build_model("resnet20", 3, 3).train()
    make_fadable(model)
    call, images = fuse(model), torch.randn(4, 3, 16, 16)
    before = call(images)
    set_skip_strength(model, 0.5)
    torch.testing.assert_close(call(images), model(images), rtol=1e-3, atol=1e-3)
    assert not torch.allclose(call(images), before, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("name", "size", "parts"), [("resnet20", 16, ["stem", "stage1"]), ("resnet18", 64, ["backbone"])]
)
def test_frozen_parts_stay_as_they_are_and_the_rest_learns(name: str, size: int, parts: list[str]) -> None:
    eager = build_model(name, 3, 3)
    freeze(eager, parts)
    images, fused, before = torch.randn(4, 3, size, size) + 5, copy.deepcopy(eager), eager.state_dict()
    before = {key: tensor.clone() for key, tensor in before.items() if key in frozen_state(eager)}
    for call in (eager.train(), fuse(fused.train())):
        call(images).square().mean().backward()
    assert all(torch.equal(fused.state_dict()[key], tensor) for key, tensor in before.items())
    for (key, one), other in zip(eager.named_parameters(), fused.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None) == (key in before)
        if one.grad is not None and other.grad is not None:
            torch.testing.assert_close(other.grad, one.grad, rtol=1e-2, atol=1e-3, msg=key)


# Optimizing a source takes seconds, and these tests do not compute with it.
HASTY = tuple(flag for flag in library.FLAGS if flag != "-O3")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine on which no kernel was compiled yet, with a compiler in a hurry: the folder for them."""
    monkeypatch.setattr(library, "FLAGS", HASTY)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache")

    def forget() -> None:
        library.library.cache_clear()
        library._recipe.cache_clear()
        Kernel.of.cache_clear()

    forget()
    yield tmp_path / "cache" / "compiled"
    forget()


@pytest.mark.parametrize("broken", ["compiler", "source"])
def test_kernels_that_cannot_be_compiled_cost_one_line_and_nothing_else(
    broken: str,
    elsewhere: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if broken == "compiler":
        monkeypatch.setenv("CXX", "no-such-compiler")
    else:
        monkeypatch.setattr(library, "FLAGS", ("--no-such-flag",))
    with pytest.raises(SkiprunError):
        library.prepare_kernels()
    fused_trainer(tmp_path / "failed").fit()
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("Fusing the training pass failed, so the run goes on without: ")
    tiny_trainer(tmp_path / "eager", tiny_config()).fit()
    assert lines(tmp_path / "failed") == lines(tmp_path / "eager")
    assert load(tmp_path / "failed" / "last.pt")["pass"] == "eager"
    assert not list(elsewhere.rglob("*.so"))


def flipped(content: bytes, generator: random.Random) -> bytes:
    """Return a content with one bit that is another, or cut short."""
    if generator.random() < 0.1:
        return content[: generator.randrange(len(content))]
    place = generator.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << generator.randrange(8)]) + content[place + 1 :]


def test_a_damaged_library_is_never_loaded_but_told_once_and_made_again(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(library, "SOURCES", ("norm",))
    library.prepare_kernels()
    (file,) = elsewhere.rglob("*.so")
    whole, generator = file.read_bytes(), random.Random(0)
    damaged = tmp_path / "damaged.so"
    damaged.write_bytes(whole[:-32])  # of an earlier version, without a checksum
    assert (
        library.is_intact(file)
        and not library.is_intact(damaged)
        and not library.is_intact(tmp_path / "none")
    )
    for _ in range(200):
        damaged.write_bytes(flipped(whole, generator))
        assert not library.is_intact(damaged)
    damaged.write_bytes(whole[: len(whole) // 2])
    damaged.replace(file)
    library.library.cache_clear()
    library.prepare_kernels()
    library.prepare_kernels()
    assert caplog.messages == [f"{file} is damaged; it is compiled again."]
    assert library.is_intact(file) and library.library("norm").forward_float32


def test_a_library_of_torch_that_is_cut_short_is_found(tmp_path: Path) -> None:
    """Loading one would end the process; torch looks at its names only."""
    (tmp_path / "one.cpp").write_text("int one() { return 1; }")
    made = tmp_path / "made.so"
    subprocess.run(
        [str(find_compiler()), "-shared", "-fPIC", "-o", str(made), str(tmp_path / "one.cpp")], check=True
    )
    assert not is_cut_short(made)
    whole = made.read_bytes()
    for length in (0, 10, 64, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.so").write_bytes(whole[:length])
        assert is_cut_short(tmp_path / "cut.so"), length
    assert not any(is_cut_short(file) for file in (Path(torch.__file__).parent / "lib").glob("*.so"))


def test_runs_that_start_together_compile_once(elsewhere: Path, tmp_path: Path) -> None:
    compiler = tmp_path / "compiler"
    compiler.write_text(f'#!/bin/sh\ncase "$*" in *.so*) echo made >> {tmp_path}/log;; esac\nexec c++ "$@"\n')
    compiler.chmod(0o755)
    code = (
        "import sys, pathlib, platformdirs; import torch; "
        f"platformdirs.user_cache_path = lambda name: pathlib.Path({str(elsewhere.parent)!r}); "
        "from skiprun.training.acceleration.kernels import library; "
        f"library.FLAGS = {HASTY!r}; library.prepare_kernels()"
    )
    environment = dict(os.environ, CXX=str(compiler))
    started = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]
    assert [process.wait() for process in started] == [0, 0]
    assert (tmp_path / "log").read_text().split() == ["made"] * len(library.SOURCES)
    assert len(list(elsewhere.rglob("*.so"))) == len(library.SOURCES)

"""Randomness, learning rate, optimizer, clipping, checkpoints: the parts of the loop."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from skiprun.config import OptimConfig, ScheduleConfig
from skiprun.errors import CheckpointError
from skiprun.experiment.prepare import prepare
from skiprun.models import build_model
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load, save
from skiprun.training.ema import average_note, make_ema_model
from skiprun.training.optim import clip, make_optimizer
from skiprun.training.randomness import derive_seed, draws_for_a_batch, seed_step
from skiprun.training.sample_order import BatchSampler
from skiprun.training.schedule import learning_rate
from tests.support.tiny import tiny_config

CPU = torch.device("cpu")


def test_the_order_sees_every_sample_once_a_pass_in_batches_of_one_size() -> None:
    order = BatchSampler(seed=3, samples=10, batch_size=4, device=CPU)
    stream = torch.cat([order.batch(step) for step in range(5)])
    assert [len(order.batch(step)) for step in range(5)] == [4] * 5
    assert sorted(stream[:10].tolist()) == sorted(stream[10:].tolist()) == list(range(10))
    assert stream[:10].tolist() != stream[10:].tolist()


def test_the_order_is_a_function_of_seed_and_step() -> None:
    forwards = [BatchSampler(1, 50, 8, CPU).batch(step).tolist() for step in range(20)]
    backwards = [BatchSampler(1, 50, 8, CPU).batch(step).tolist() for step in reversed(range(20))][::-1]
    assert forwards == backwards
    assert BatchSampler(2, 50, 8, CPU).batch(0).tolist() != forwards[0]


def test_steps_and_purposes_do_not_share_random_numbers() -> None:
    seeds = {
        derive_seed(seed, purpose, number)
        for seed in range(5)
        for purpose in ("step", "order")
        for number in range(50)
    }
    assert len(seeds) == 500
    seed_step(0, 7)
    one = torch.rand(3)
    torch.rand(100)
    seed_step(0, 7)
    assert torch.equal(torch.rand(3), one)


def rates(peak: float = 1.0, steps: int = 100, **section: Any) -> list[float]:
    config = ScheduleConfig(steps=steps, **section)
    return [learning_rate(config, peak, step, steps) for step in range(steps)]


def test_the_average_is_of_weights_and_of_statistics() -> None:
    model = nn.BatchNorm1d(1)
    average = make_ema_model(model, decay=0.9)
    assert average and model.running_mean is not None
    for step, value in enumerate((1.0, 2.0)):
        nn.init.constant_(model.weight, value)
        model.running_mean.fill_(value)
        average.n_averaged.fill_(step)
        average.update_parameters(model)
    assert [average.module.weight.item(), average.module.running_mean.item()] == pytest.approx([1.1, 1.1])


def test_a_weight_average_that_is_longer_than_the_run_is_told() -> None:
    """By torch's own average of a weight that is 1 in the first step and 0 in all others."""
    steps, decay = 50, 0.99
    model = nn.Linear(1, 1, bias=False)
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
    )
    for step in range(steps):
        nn.init.constant_(model.weight, float(step == 0))
        average.update_parameters(model)
    share = average.module.weight.item()
    said = average_note(decay, steps)
    assert (
        said
        and f"{100 * share:.0f} % of what is evaluated at its end are the weights of the first step" in said
    )
    assert "averages over the last 100 steps, longer than the run of 50" in said and "0.8 would" in said


@pytest.mark.parametrize(
    ("decay", "steps", "told"), [(None, 1, False), (0.9, 10, False), (0.9, 9, True), (0.999, 5000, False)]
)
def test_a_weight_average_within_the_run_is_not(decay: float | None, steps: int, told: bool) -> None:
    assert (average_note(decay, steps) is not None) == told


def test_a_run_says_that_its_average_is_too_long() -> None:
    for epochs, told in ((1.0, True), (60.0, False)):
        notes = prepare(tiny_config(optim={"lr": 0.1, "ema": 0.999}, schedule={"epochs": epochs})).notes
        assert any("optim.ema 0.999 averages over the last 1,000 steps" in note for note in notes) == told


def test_cosine_falls_from_the_peak_to_nothing() -> None:
    rate = rates()
    assert rate[0] == 1.0
    assert rate[50] == pytest.approx(0.5)
    assert rate[99] == pytest.approx(0.5 * (1 + math.cos(0.99 * math.pi)))
    assert rate == sorted(rate, reverse=True)


def test_warmup_reaches_the_peak_with_its_last_step() -> None:
    rate = rates(warmup=10)
    assert rate[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert rate[10] == 1.0


def test_the_cosine_has_the_same_bits_as_ever() -> None:
    """A run of an earlier version goes on to the same bits."""
    for steps in (7, 24, 150):
        config = ScheduleConfig(kind="cosine", steps=steps)
        found = [learning_rate(config, 0.003, step, steps) for step in range(steps)]
        assert found == [0.003 * 0.5 * (1 + math.cos(math.pi * step / steps)) for step in range(steps)]


def test_multistep_is_the_schedule_of_he_2015() -> None:
    config = ScheduleConfig(kind="multistep", steps=64000, milestones=[32000.0, 48000.0])
    found = [learning_rate(config, 0.1, step, 64000) for step in (0, 31999, 32000, 47999, 48000, 63999)]
    assert found == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


@pytest.mark.parametrize("steps", [1, 3, 10, 101])
@pytest.mark.parametrize("words", [{}, {"pct_start": 0.5, "div_factor": 10.0, "final_div_factor": 100.0}])
def test_one_cycle_is_torch_s_step_by_step(steps: int, words: dict[str, Any]) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.3, total_steps=steps, cycle_momentum=False, **words
    )
    config = ScheduleConfig(kind="one_cycle", steps=steps, **words)
    for step in range(steps):
        assert learning_rate(config, 0.3, step, steps) == theirs.get_last_lr()[0]
        optimizer.step()
        if step + 1 < steps:
            theirs.step()


@pytest.mark.parametrize(
    ("shape", "half"), [("1-sqrt", 1 - math.sqrt(0.5)), ("linear", 0.5), ("cosine", 0.5)]
)
def test_wsd_warms_up_stays_and_falls_in_its_last_steps(shape: str, half: float) -> None:
    rate = rates(kind="wsd", warmup=20, decay_share=0.25, decay_shape=shape)
    assert rate[:20] == pytest.approx([0.05 * n for n in range(1, 21)])
    assert set(rate[20:81]) == {1.0}
    assert rate[90] == pytest.approx(half)
    assert rate[80:] == sorted(rate[80:], reverse=True) and 0 < rate[99] < 0.1


def test_milestones_count_in_epochs_where_the_length_does() -> None:
    config = ScheduleConfig(kind="multistep", epochs=10.0, milestones=[5.0])
    assert [learning_rate(config, 1.0, step, 200, 20) for step in (99, 100)] == pytest.approx([1.0, 0.1])


def test_weight_decay_spares_biases_and_norms_by_key() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    everything = make_optimizer(model, OptimConfig(), CPU).param_groups
    weights_only = make_optimizer(model, OptimConfig(decay="weights"), CPU).param_groups
    assert [group["weight_decay"] for group in everything] == [1e-4]
    assert [(len(group["params"]), group["weight_decay"]) for group in weights_only] == [(1, 1e-4), (3, 0.0)]


def test_one_step_of_sgd_is_the_formula() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    model = nn.Module()
    model.weight = weight
    optimizer = make_optimizer(model, OptimConfig(lr=0.5, weight_decay=0.1), CPU)
    for expected in (2 - 0.5 * (3 + 0.1 * 2), None):
        weight.grad = torch.tensor([3.0])
        optimizer.step()
        if expected:
            assert weight.item() == pytest.approx(expected)
    velocity = 0.9 * 3.2 + (3 + 0.1 * 0.4)
    assert weight.item() == pytest.approx(0.4 - 0.5 * velocity)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_the_optimizers_are_torch_s_own_without_the_import_of_its_compiler(name: str) -> None:
    code = f"""
import sys, torch
from torch import nn
from skiprun.config import OptimConfig
from skiprun.training.optim import make_optimizer

ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
theirs.load_state_dict(ours.state_dict())
config = OptimConfig(name={name!r}, lr=0.1, momentum=0.9, weight_decay=0.01, decay="all")
optimizer = make_optimizer(ours, config, torch.device("cpu"))
for _ in range(3):
    ours(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
optimizer.load_state_dict(optimizer.state_dict())
assert "torch._dynamo" not in sys.modules, "the compiler was imported"
assert not any(weight.grad_fn for weight in ours.parameters())

kind, words = {{
    "sgd": (torch.optim.SGD, dict(momentum=0.9, fused=True)),
    "adam": (torch.optim.Adam, dict(betas=(0.9, 0.999), fused=True)),
    "adamw": (torch.optim.AdamW, dict(betas=(0.9, 0.999), fused=True)),
    "rmsprop": (torch.optim.RMSprop, dict(momentum=0.9)),
}}[{name!r}]
expected = kind(theirs.parameters(), lr=0.1, weight_decay=0.01, **words)
for _ in range(3):
    theirs(torch.ones(4, 3)).sum().backward()
    expected.step()
    expected.zero_grad()
assert all(map(torch.equal, ours.parameters(), theirs.parameters()))
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_muon_is_torch_s_of_kernels_as_matrices_and_adamw_for_the_rest(
    nesterov: bool, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6, 3))
    to_layout: dict[str, Any] = {"memory_format": layout}
    ours = ours.to(**to_layout)
    theirs = copy.deepcopy(ours)
    config = OptimConfig(name="muon", lr=0.02, weight_decay=0.1, nesterov=nesterov)
    optimizer = make_optimizer(ours, config, CPU)
    kernel = nn.Parameter(theirs[1].weight.detach().flatten(1).clone())
    words: dict[str, Any] = {"lr": 0.02, "weight_decay": 0.1}
    muon = torch.optim.Muon(
        [kernel], momentum=0.9, nesterov=nesterov, adjust_lr_fn="match_rms_adamw", **words
    )
    rest = [each for each in theirs.parameters() if each is not theirs[1].weight]
    adamw = torch.optim.AdamW(rest, betas=(0.9, 0.999), fused=True, **words)
    for _ in range(4):
        images = torch.randn(8, 2, 5, 5)
        for model in (ours, theirs):
            model.zero_grad()
            model(images).square().sum().backward()
        kernel.grad = theirs[1].weight.grad.flatten(1).contiguous()
        for each in (optimizer, muon, adamw):
            each.step()
        theirs[1].weight.data.copy_(kernel.data.view(6, 4, 3, 3))
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_muon_orthogonalizes_its_step() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 6, bias=False), nn.Linear(6, 2))
    before = model[1].weight.detach().clone()
    optimizer = make_optimizer(model, OptimConfig(name="muon", lr=1.0, weight_decay=0.0), CPU)
    model(torch.randn(32, 4)).square().mean().backward()
    optimizer.step()
    step = (before - model[1].weight.detach()) / (0.2 * 6**0.5)
    assert ((largest := torch.linalg.svdvals(step)) > 0).all()
    assert 0.6 < largest[0] < 1.3  # the iteration brings singular values between 0.7 and 1.2


def test_clipping_by_norm_and_by_value() -> None:
    for name, value, expected in (("clip_norm", 1.0, [0.6, 0.8]), ("clip_value", 3.5, [3.0, 3.5])):
        weight = nn.Parameter(torch.zeros(2))
        weight.grad = torch.tensor([3.0, 4.0])
        assert clip([weight], OptimConfig.model_validate({name: value})) == 1
        assert weight.grad.tolist() == pytest.approx(expected, rel=1e-5)
    weight.grad = torch.tensor([0.1, 0.1])
    assert clip([weight], OptimConfig(clip_norm=1.0)) == 0
    assert clip([weight], OptimConfig()) is None


STATE = {"step": 5, "model": {"weight": torch.arange(6.0)}, "best": {"val": {"error": 1.5}}, "names": ["a"]}


def test_a_checkpoint_is_an_ordinary_torch_file(tmp_path: Path) -> None:
    save(tmp_path / "last.pt", STATE)
    plain = torch.load(tmp_path / "last.pt", weights_only=True)
    assert plain["step"] == 5
    assert torch.equal(plain["model"]["weight"], torch.arange(6.0))


@pytest.mark.parametrize("offset", range(0, 400, 7))
def test_F22_every_flipped_bit_is_found(tmp_path: Path, offset: int) -> None:
    save(tmp_path / "last.pt", STATE)
    content = bytearray((tmp_path / "last.pt").read_bytes())
    content[offset * len(content) // 400] ^= 1 << offset % 8
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(CheckpointError):
        load(tmp_path / "last.pt")


@pytest.mark.parametrize("content", [b"", b"\0" * 500, b"<html>", b"PK\x05\x06" + b"\0" * 18])
def test_F23_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "last.pt")
    assert caught.value.exit_code == 4
    assert "weights_only" not in str(caught.value)


def test_F21_a_damaged_last_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for step in (1, 2):
        checkpoints.save_last({"model": {}, "step": step})
    whole = checkpoints.last.read_bytes()
    checkpoints.last.write_bytes(whole[: len(whole) // 2])
    state, notes = checkpoints.load_last()
    assert state and state["step"] == 1
    assert "last.pt" in notes[0]
    checkpoints.save_last({"model": {}, "step": 2})
    assert load(checkpoints.previous)["step"] == 1


def test_F24_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    save(tmp_path / "last.pt", {"x": Exploit()})
    with pytest.raises(CheckpointError):
        load(tmp_path / "last.pt")
    assert not (tmp_path / "ran").exists()


def test_no_checkpoint_is_not_an_error_and_only_damaged_ones_are(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.load_last() == (None, [])
    checkpoints.last.write_bytes(b"x")
    with pytest.raises(CheckpointError, match="--fresh"):
        checkpoints.load_last()


BY_IMAGE = {"per_image": True}


class OwnPooling(nn.Module):
    """A module whose `mode` has nothing to do with drawing."""

    mode = "batch"


class OwnDropout(nn.Module):
    """A module that blanks the same channels of all images, and says so."""

    draws_for_a_batch = True


@pytest.mark.parametrize(
    ("model", "drawn"),
    [
        (OwnPooling(), False),
        (nn.Sequential(OwnDropout()), True),
        (build_model("resnet20", connection="stochastic_depth"), True),
        (
            build_model("resnet20", connection="stochastic_depth", connection_options={"per_image": True}),
            False,
        ),
    ],
    ids=["a mode of its own", "said by a module", "stochastic depth", "stochastic depth by image"],
)
def test_what_is_drawn_for_a_whole_batch_is_told(model: nn.Module, drawn: bool) -> None:
    assert draws_for_a_batch(model) == drawn

"""Each connection does what its formula says, and the contract that all of them keep."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skiprun.config import SkipSchedule
from skiprun.connections import Site, sites
from skiprun.connections.fade import make_fadable, set_skip_strength, skip_strength
from skiprun.errors import OptionError
from skiprun.models import build_model
from skiprun.registry import CONNECTIONS


def made(name: str, index: int = 0, total: int = 1, channels: int = 4, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return CONNECTIONS[name].target(Site(channels, channels, index, total), **options)


@pytest.fixture
def x() -> Tensor:
    return torch.randn(8, 4, 5, 5, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def fx() -> Tensor:
    return torch.randn(8, 4, 5, 5, generator=torch.Generator().manual_seed(2))


def test_formulas(x: Tensor, fx: Tensor) -> None:
    assert torch.equal(made("none")(x, fx), fx)
    assert torch.equal(made("add")(x, fx), x + fx)
    assert torch.equal(made("concat")(x, fx), torch.cat([x, fx], dim=1))
    assert torch.equal(made("constant_scaling")(x, fx), 0.5 * x + 0.5 * fx)
    assert torch.equal(made("constant_scaling", shortcut=1.0, branch=2.0)(x, fx), x + 2 * fx)
    projected = made("conv_shortcut")
    assert torch.equal(projected(x, fx), projected.projection(x) + fx)


def test_gates_mix_by_what_they_see(x: Tensor, fx: Tensor) -> None:
    gate = made("highway")
    opened = gate.gate(x).sigmoid()
    assert torch.allclose(gate(x, fx), (1 - opened) * x + opened * fx, atol=1e-6)
    half = made("shortcut_only_gating")
    half.load_state_dict(gate.state_dict())
    assert torch.allclose(half(x, fx), (1 - opened) * x + fx, atol=1e-6)


@pytest.mark.parametrize("name", ["highway", "shortcut_only_gating"])
def test_the_bias_decides_how_far_a_gate_is_open_at_first(name: str) -> None:
    gate = made(name, bias=-3.0, channels=64)
    assert gate.openness(torch.zeros(1, 64, 2, 2)).mean().item() == pytest.approx(1 / (1 + math.exp(3)))
    assert made(name, kernel=3).gate.weight.shape == (4, 4, 3, 3)


def test_a_scaled_branch_begins_at_zero_and_learns(x: Tensor, fx: Tensor) -> None:
    rezero = made("rezero")
    y = rezero(x, fx)
    assert torch.equal(y, x)
    y.sum().backward()
    assert rezero.alpha.grad.item() == pytest.approx(fx.sum().item(), rel=1e-4)
    layer_scale = made("layer_scale", init=0.1)
    assert layer_scale.alpha.shape == (4, 1, 1)
    assert torch.allclose(layer_scale(x, fx), x + 0.1 * fx)
    assert made("layer_scale").alpha.unique().item() == pytest.approx(1e-4), (
        "of Touvron et al. for deep networks"
    )


def test_survival_falls_linearly_to_the_last_site() -> None:
    total = 54
    found = [made("stochastic_depth", index, total).probability for index in range(total)]
    assert found == pytest.approx([1 - site / total * 0.5 for site in range(1, total + 1)])
    assert made("stochastic_depth", 53, 54, survival=0.8).probability == pytest.approx(0.8)


def test_stochastic_depth_drops_whole_branches_and_keeps_the_mean(x: Tensor, fx: Tensor) -> None:
    connection = made("stochastic_depth", survival=0.5)
    draws = torch.stack([connection(x, fx) - x for _ in range(400)])
    kept = draws.flatten(1).abs().sum(1) > 1e-3
    assert 0.4 < kept.float().mean() < 0.6
    assert torch.allclose(draws[kept][0], 2 * fx, atol=1e-5)
    assert torch.allclose(connection.eval()(x, fx), x + fx)
    rows = made("stochastic_depth", survival=0.5, per_image=True)(x, fx) - x
    assert 0 < (rows.flatten(1).abs().sum(1) < 1e-6).sum() < 8


def test_dropout_is_on_the_shortcut_and_in_training_only(x: Tensor, fx: Tensor) -> None:
    connection = made("shortcut_dropout", p=0.25)
    blanked = (connection(x, fx) - fx).abs() < 1e-6
    assert 0.15 < blanked.float().mean() < 0.35
    assert torch.allclose(connection.eval()(x, fx), x + fx)


@pytest.mark.parametrize(
    ("name", "option", "allowed", "refused"),
    [
        ("shortcut_dropout", "p", [0.0, 0.9], [-0.1, 1.0]),
        ("stochastic_depth", "survival", [0.1, 1.0], [0.0, 1.1]),
        ("highway", "kernel", [1, 3], [-1, 0, 2]),
    ],
)
def test_options_out_of_range_are_refused_by_name(
    name: str, option: str, allowed: list[Any], refused: list[Any]
) -> None:
    for value in allowed:
        made(name, **{option: value})
    for value in refused:
        with pytest.raises(OptionError, match=option):
            made(name, **{option: value})


@pytest.mark.parametrize("name", ["highway", "conv_shortcut"])
@pytest.mark.parametrize("network", ["resnet20", "resnet18"])
def test_networks_leave_a_connection_its_own_first_weights(name: str, network: str) -> None:
    torch.manual_seed(0)
    site = list(sites(build_model(network, connection=name)).values())[-1]
    weight = next(iter(site.parameters()))
    assert weight.std().item() == pytest.approx(weight.shape[1] ** -0.5, rel=0.1)


@pytest.mark.parametrize(
    ("epoch", "strength"), [(0, 1.0), (10, 1.0), (15, 0.5), (17.5, 0.25), (20, 0.0), (99, 0.0)]
)
def test_a_skip_schedule_is_a_function_of_the_epoch(epoch: float, strength: float) -> None:
    schedule = SkipSchedule.model_validate({"from": 1.0, "to": 0.0, "epochs": [10.0, 20.0]})
    assert skip_strength(schedule, epoch) == pytest.approx(strength)


def test_a_faded_residual_network_becomes_its_plain_twin() -> None:
    torch.manual_seed(0)
    faded, plain = build_model("resnet20").eval(), build_model("plain20").eval()
    plain.load_state_dict(faded.state_dict())
    images = torch.randn(2, 3, 32, 32)
    residual = faded(images)
    make_fadable(faded)
    assert torch.equal(faded(images), residual), "strength 1 changes nothing"
    set_skip_strength(faded, 0.0)
    assert torch.equal(faded(images), plain(images))


def test_the_strength_is_saved_with_the_weights_and_copied_with_the_network() -> None:
    import copy

    net = build_model("resnet20", connections={"0": "none"})
    make_fadable(net)
    set_skip_strength(net, 0.25)
    twin = copy.deepcopy(net)
    set_skip_strength(net, 0.75)
    strengths = {key: value.item() for key, value in twin.state_dict().items() if key.endswith("strength")}
    assert len(strengths) == 8 and set(strengths.values()) == {0.25}, "a site without shortcut has none"
    rebuilt = build_model("resnet20", connections={"0": "none"})
    make_fadable(rebuilt)
    rebuilt.load_state_dict(net.state_dict())
    assert rebuilt.layer3[2].connection.strength.item() == 0.75


def fixup(depth: int = 20) -> nn.Module:
    torch.manual_seed(0)
    return build_model("resnet_cifar", depth=depth, norm="none", init="fixup")


@pytest.mark.parametrize("depth", [20, 110])
def test_fixup_starts_at_the_loss_of_ignorance(depth: int) -> None:
    loss = nn.functional.cross_entropy(fixup(depth)(torch.randn(4, 3, 32, 32)), torch.arange(4))
    assert loss.item() == pytest.approx(math.log(10), abs=1e-6)


def test_fixup_draws_first_convolutions_by_the_number_of_blocks() -> None:
    blocks = list(fixup(56).get_submodule("layer3").children())
    expected = math.sqrt(2 / (64 * 9)) * 27**-0.5
    assert blocks[-1].conv1.weight.std().item() == pytest.approx(expected, rel=0.05)
    assert all(block.conv2.weight.abs().sum() == 0 for block in blocks)


def test_at_the_start_of_fixup_only_the_classifier_has_a_gradient() -> None:
    net = fixup()
    nn.functional.cross_entropy(net(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
    moved = {
        name for name, each in net.named_parameters() if each.grad is not None and each.grad.abs().sum() > 0
    }
    assert moved == {"fc.weight", "fc.bias"}


def test_fixup_trains_without_norm_at_a_hundred_layers() -> None:
    net = fixup(110)
    images, targets = torch.randn(4, 3, 16, 16), torch.arange(4)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", ["resnet20", "preact20", "wrn16_4"])
def test_rezero_blocks_are_the_identity_at_the_start(name: str) -> None:
    net = build_model(name, connection="rezero")
    nn.functional.cross_entropy(net(torch.randn(4, 3, 16, 16)), torch.arange(4)).backward()
    gradients = {key: each.grad.abs().sum().item() for key, each in net.named_parameters() if "layer" in key}
    branches = [value for key, value in gradients.items() if ".conv" in key and "downsample" not in key]
    alphas = [value for key, value in gradients.items() if key.endswith("alpha")]
    assert max(branches) == 0 and min(alphas) > 0

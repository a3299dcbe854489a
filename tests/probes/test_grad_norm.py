"""The gradient-norm probe against gradients worked out by hand and by autograd in float64."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skiprun.models import build_model
from skiprun.probes.grad_norm import GradNorm
from skiprun.probes.weight_norm import WeightNorm


def read(model: nn.Module, loss: Callable[[nn.Module], Tensor]) -> dict[str, Tensor]:
    probe = GradNorm()
    with probe.watch(model):
        loss(model).backward()
    return dict(zip(probe.tags(model), probe.read(), strict=True))


def test_norms_of_a_linear_chain_are_products_of_the_other_weights() -> None:
    model = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(4)))
    for layer, weight in zip(model, (2.0, 3.0, 5.0, 7.0), strict=True):
        nn.init.constant_(layer.get_parameter("weight"), weight)
    values = read(model, lambda net: net(torch.ones(1, 1)).sum())
    expected = [105.0, 70.0, 42.0, 30.0]
    assert [values[f"grad_norm/0{n}.{n - 1}"].item() for n in (1, 2, 3, 4)] == pytest.approx(expected)
    assert values["grad/total"].item() == pytest.approx(sum(each**2 for each in expected) ** 0.5)
    assert values["grad/first_over_last"].item() == pytest.approx(70 / 42)


def test_first_and_last_are_behind_the_stem_and_before_the_classifier() -> None:
    model = build_model("resnet20", shortcut="B")
    tags = GradNorm().tags(model)
    assert tags[0] == "grad_norm/01.conv1" and tags[1] == "grad_norm/02.layer1.0.conv1"
    assert not any("downsample" in tag for tag in tags), "both networks of a pair must be numbered alike"
    values = read(model, lambda net: net(torch.randn(4, 3, 32, 32)).square().sum())
    assert values["grad/first"] == values["grad_norm/02.layer1.0.conv1"]
    assert values["grad/last"] == values["grad_norm/19.layer3.2.conv2"]
    grads = torch.cat([parameter.grad.flatten().double() for parameter in model.parameters()])
    assert values["grad/total"].item() == pytest.approx(grads.norm().item(), rel=1e-5)


def test_numbers_are_padded_so_that_tags_sort_by_depth() -> None:
    tags = GradNorm().tags(build_model("plain110"))[:-4]
    assert tags == sorted(tags) and tags[0] == "grad_norm/001.conv1"


def test_a_frozen_layer_has_no_norm_and_the_total_leaves_it_out() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    values = read(model, lambda net: net(torch.ones(1, 2)).sum())
    assert values["grad_norm/01.0"].isnan() and values["grad/total"] > 0
    assert values["grad/first_over_last"] == 1, "the frozen one is the stem, which stands aside"


def test_a_frozen_first_layer_gives_no_ratio_rather_than_one_that_vanishes() -> None:
    model = build_model("resnet20", width=4)
    model.layer1.requires_grad_(False)
    values = read(model, lambda net: net(torch.randn(4, 3, 16, 16)).square().sum())
    assert values["grad/first"].isnan() and values["grad/first_over_last"].isnan()
    assert values["grad/last"] > 0 and values["grad_norm/08.layer2.0.conv1"] > 0


def test_a_layer_that_no_gradient_reaches_has_one_of_zero() -> None:
    model = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(4)))
    values = read(model, lambda net: net[0](torch.ones(1, 1)).sum())
    assert values["grad_norm/02.1"] == 0 and values["grad/first"] == 0


def test_a_frozen_layer_has_no_gradient_relative_to_its_weight() -> None:
    model = build_model("resnet20", width=4)
    model.conv1.requires_grad_(False)
    probe = WeightNorm()
    with probe.watch(model):
        model(torch.randn(2, 3, 16, 16)).sum().backward()
    values = dict(zip(probe.tags(model), probe.read(), strict=True))
    assert values["grad_over_weight/01.conv1"].isnan() and values["weight_norm/01.conv1"] > 0
    assert values["grad_over_weight/02.layer1.0.conv1"] > 0


def test_a_network_of_one_layer_is_its_own_first_and_last() -> None:
    values = read(nn.Sequential(nn.Linear(3, 1)), lambda net: net(torch.ones(1, 3)).sum())
    assert values["grad/first_over_last"] == 1

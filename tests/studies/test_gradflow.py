"""Gradient flow against a chain worked out by hand and the reference values at initialization."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections import Connection, Site
from skiprun.connections.add import Add
from skiprun.connections.none import NoConnection
from skiprun.models import build_model
from skiprun.models.families.resnet_cifar import CifarResNet
from skiprun.models.layers.norm_act import Norm
from skiprun.studies.gradflow import gradflow, verdict
from skiprun.studies.rows_by_depth import layer_rows, site_rows
from skiprun.studies.signal_theory import Theory, theory


def no_norm(channels: int) -> nn.Module:
    return nn.Identity()


def networks(
    connection: type[Connection], depth: int, norm: Norm = nn.BatchNorm2d, seeds: int = 2
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
        nn.init.constant_(layer.get_parameter("weight"), 2.0)
    batch = (torch.ones(1, 1).double(), torch.zeros(1))
    result = gradflow([chain], [batch], lambda output, target: output.sum())
    layers = [row for row in result.rows if row["at"] == "layer"]
    assert [row["actgrad"] for row in layers] == [16.0, 8.0, 4.0, 2.0, 1.0]
    assert [row["grad_norm"] for row in layers] == [16.0] * 5, (
        "the input of a layer grows as its gradient shrinks"
    )
    assert [row["depth"] for row in layers] == [0, 0.25, 0.5, 0.75, 1], "0 is the input, 1 the output"
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
    connection: type[Connection], norm: Norm, weights: float, signal: float, growth: float
) -> None:
    facts = gradflow(networks(connection, 20, norm), [images()], nn.functional.cross_entropy).facts
    assert math.log10(facts["first_over_last"]) == pytest.approx(math.log10(weights), abs=0.5)
    assert math.log10(facts["actgrad_first_over_last"]) == pytest.approx(math.log10(signal), abs=0.5)
    assert facts["growth_per_layer"] == pytest.approx(growth, abs=0.05)


@pytest.mark.parametrize(
    ("connection", "weights", "word"), [(NoConnection, 603, "Explod"), (Add, 3.4, "Within")]
)
def test_fifty_six_layers_explode_when_plain_and_do_not_when_residual(
    connection: type[Connection], weights: float, word: str
) -> None:
    result = gradflow(networks(connection, 56), [images()], nn.functional.cross_entropy)
    assert math.log10(result.facts["first_over_last"]) == pytest.approx(math.log10(weights), abs=0.7)
    assert result.verdict.startswith(word)


def test_without_norm_the_signal_of_a_residual_network_doubles_at_every_block() -> None:
    result = gradflow(networks(Add, 56, no_norm, seeds=1), [images(8)], nn.functional.cross_entropy)
    assert result.facts["variance_theory"] == 2.0
    assert result.facts["variance_per_block"] == pytest.approx(2.0, abs=0.3)
    assert "signal itself explodes" in result.verdict


@pytest.mark.parametrize(
    ("connection", "norm", "growth", "doubling"),
    [
        (NoConnection, nn.BatchNorm2d, 1.2112, 1),  # Yang et al. 2019: sqrt(pi / (pi - 1))
        (NoConnection, no_norm, 1, 1),  # He et al. 2015b
        (Add, nn.BatchNorm2d, None, None),
        (Add, no_norm, 1.1892, 2),  # De and Smith 2020: twice a block of two layers
    ],
)
def test_theory_is_what_the_papers_derive(
    connection: type[Connection],
    norm: Norm,
    growth: float | None,
    doubling: float | None,
) -> None:
    model = next(networks(connection, 8, norm))
    facts = gradflow([model], [images(2)], nn.functional.cross_entropy).facts
    assert facts["growth_theory"] == (growth and pytest.approx(growth, abs=1e-4))
    assert facts["variance_theory"] == doubling


def test_nothing_is_expected_where_only_some_blocks_have_a_skip() -> None:
    assert theory(nn.Sequential(Add(Site(4, 4, 0, 2)), NoConnection(Site(4, 4, 1, 2)))) == Theory(None, None)


def test_the_line_of_theory_leaves_from_where_the_measurement_is_sure() -> None:
    """Toward the input from the layer in front of the classifier; toward the output from the first block."""
    runs = torch.tensor([1.0, 2.0, 9.0]).view(3, 1, 1) * torch.ones(3, 4, 4)
    rows = layer_rows(list("abcd"), runs, Theory(growth=3.0, doubling=2.0))
    assert [row["actgrad_theory"] for row in rows] == pytest.approx([18, 6, 2, 2 / 3])
    assert [row["depth"] for row in rows] == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert [row["number"] for row in rows] == [1, 2, 3, 4]
    assert rows[0]["grad_norm"] == 2
    assert [rows[0]["grad_norm_low"], rows[0]["grad_norm_high"]] == pytest.approx([1.2, 7.6])
    blocks = site_rows(list("abc"), torch.tensor([[5.0, 6.0, 7.0]]), Theory(growth=None, doubling=2.0))
    assert [row["variance_theory"] for row in blocks] == [5, 10, 20]
    assert [row["depth"] for row in blocks] == [0, 0.5, 1] and [row["number"] for row in blocks] == [1, 2, 3]
    untold = site_rows(["a"], torch.ones(1, 1), Theory(None, None))
    assert "variance_theory" not in untold[0] and untold[0]["depth"] == 0


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


@pytest.mark.parametrize(
    ("weights", "signal", "word"),
    [
        (101.0, 1.0, "Exploding"),
        (1.0, 101.0, "Exploding"),
        (0.0099, 1.0, "Vanishing"),
        (1.0, 0.0, "Vanishing"),
        (99.9, 0.011, "Within"),
        (2.0, None, "Within"),
        (None, None, "No gradient"),
    ],
)
def test_the_verdict_is_that_of_the_ratio_that_is_farther_from_one(
    weights: float | None, signal: float | None, word: str
) -> None:
    ratios = {"first_over_last": weights, "actgrad_first_over_last": signal}
    said = verdict({**ratios, "growth_per_layer": None, "growth_theory": None, "variance_growth": None})
    assert said.startswith(word)

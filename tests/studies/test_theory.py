"""Calculations on networks of their own, against arithmetic and the numbers of the papers' laws."""

from __future__ import annotations

import math

import pytest
import torch

from skiprun.studies.theory.attention_rank import attention, attention_rank, residual
from skiprun.studies.theory.deep_linear import LOSS, LR, TARGET, deep_linear, steps
from skiprun.studies.theory.depth_scaling import changes, depth_scaling, expected_change
from skiprun.studies.theory.looks_linear import CReluMlp, looks_linear
from skiprun.studies.theory.one_neuron import Networks, disc_and_ring, one_neuron
from skiprun.studies.theory.pre_norm_growth import pre_norm_growth


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_branches_add_up_in_mean_square_as_theory_says() -> None:
    found = changes((0.25, 0.5, 1.0), 4, 8, 4000, False, generator()).square().mean(dim=0).sqrt()
    expected = [expected_change(exponent, 4) for exponent in (0.25, 0.5, 1.0)]
    assert expected == pytest.approx(
        [math.sqrt(1.5**4 - 1), math.sqrt(1.25**4 - 1), math.sqrt(1.0625**4 - 1)]
    )
    assert found.tolist() == pytest.approx(expected, rel=0.05)


def test_a_change_beyond_all_numbers_is_infinite() -> None:
    assert expected_change(0.0, 5000) == math.inf


def test_a_thousand_blocks_explode_below_one_half_and_do_nothing_above() -> None:
    rows = depth_scaling(depths=(1000,)).rows
    found = {(row["weights"], row["exponent"]): row["change"] for row in rows}
    assert found["independent", 0.25] > 1e5
    assert found["independent", 0.5] == pytest.approx(math.sqrt(math.e - 1), rel=0.3)
    assert found["independent", 1.0] == pytest.approx(1000**-0.5, rel=0.3)


def test_the_exponent_of_blocks_that_share_weights_is_one() -> None:
    rows = depth_scaling(depths=(30, 300), width=16).rows
    found = {(row["exponent"], row["depth"]): row["change"] for row in rows if row["weights"] == "shared"}
    assert found[1.0, 300] == pytest.approx(found[1.0, 30], rel=0.05)
    assert found[0.5, 300] > 100 * found[0.5, 30]


def test_a_block_of_one_neuron_is_that_of_the_paper() -> None:
    networks = Networks(3, depth=1, width=1, skip=True, generator=generator())
    x = torch.randn(3, 5, 2, generator=generator())
    neuron = (x @ networks.weights[0] + 0.5).relu()
    networks.biases[0] = torch.full((3, 1, 1), 0.5)
    assert torch.allclose(networks(x), (x + neuron @ networks.back[0]) @ networks.classifier, atol=1e-6)


def test_plain_layers_have_the_width_that_is_asked_for() -> None:
    networks = Networks(3, depth=2, width=4, skip=False, generator=generator())
    assert [list(weight.shape) for weight in networks.weights] == [[3, 2, 4], [3, 4, 4]]
    assert not networks.back and networks(torch.zeros(3, 5, 2)).shape == (3, 5, 1)


def test_half_of_the_points_fill_a_disc_and_half_a_ring() -> None:
    points, inside = disc_and_ring(generator())
    radius = points.norm(dim=1)
    assert inside.double().mean() == 0.5
    assert radius[inside].max() < 1 and radius[~inside].min() > 2 and radius[~inside].max() < 3
    assert (radius[inside] < math.sqrt(0.5)).double().mean() == pytest.approx(0.5, abs=0.15)


def test_one_neuron_a_block_learns_a_disc_and_a_narrow_plain_network_does_not() -> None:
    blocks, plain = one_neuron(depths=(6,)).rows
    assert blocks["error"] == 0
    assert plain["error"] > 30 and plain["lowest"] > 0


def test_one_weight_learns_at_the_rate_of_gradient_descent() -> None:
    expected = math.ceil(math.log(math.sqrt(2 * LOSS) / TARGET) / math.log(1 - LR))
    assert steps(torch.full((1, 1), 1e-12, dtype=torch.float64), 1000) == expected


def test_what_is_not_learned_in_time_is_said_to_take_longer() -> None:
    assert steps(torch.full((1, 1), 0.1), 3) == math.inf
    assert "over 60 and 4 at depth 10." in deep_linear(depths=(2, 10), most=60).verdict


def test_steps_without_skip_connections_grow_exponentially_with_depth() -> None:
    rows = deep_linear().rows
    found = {(row["connection"], row["depth"]): row["steps"] for row in rows}
    growth = [found["none", depth + 2] / found["none", depth] for depth in (2, 4, 6, 8)]
    assert found["none", 10] > 20 * found["none", 2]
    assert min(growth[1:]) > 2 and found["add", 10] < found["add", 2]


def test_tokens_that_are_alike_have_no_residual_and_centred_ones_have_all() -> None:
    x = torch.randn(1, 6, 4, generator=generator(), dtype=torch.float64)
    assert residual(x.mean(dim=1, keepdim=True).expand_as(x)).item() == pytest.approx(0, abs=1e-15)
    assert residual(x - x.mean(dim=1, keepdim=True)).item() == pytest.approx(1)


def test_attention_gives_each_sequence_what_torch_gives_it() -> None:
    x = torch.randn(1, 6, 4, generator=generator(), dtype=torch.float64)
    query, key, value, out = torch.randn(4, 4, 4, generator=generator(), dtype=x.dtype) / 2
    expected = torch.nn.functional.scaled_dot_product_attention(x @ query, x @ key, x @ value) @ out
    assert torch.allclose(attention(x, generator()), expected)


def test_attention_loses_rank_by_cubes_unless_there_are_skip_connections() -> None:
    found = {(row["connection"], row["layers"]): row["residual"] for row in attention_rank(layers=4).rows}
    falls = [math.log(found["none", layer + 1] / found["none", layer]) for layer in (1, 2)]
    assert falls[1] / falls[0] == pytest.approx(3, abs=1)
    assert found["none", 4] < 1e-6
    assert found["add", 4] == pytest.approx(0.85, abs=0.05)


def test_mirrored_weights_are_a_linear_network() -> None:
    torch.manual_seed(0)
    network = CReluMlp(3, 8, mirrored=True)
    x = torch.randn(5, 8)
    first, second, third = network.positive
    assert torch.allclose(network.states(x)[-1], x @ first.T @ second.T @ third.T, atol=1e-5)


def test_mirrored_weights_keep_gradients_and_independent_ones_halve_them() -> None:
    rows = looks_linear(depths=(1, 16), draws=5).rows
    found = {(row["weights"], row["depth"]): row["correlation"] for row in rows}
    assert found["mirrored", 16] == pytest.approx(1, abs=1e-4)
    assert found["independent", 1] == pytest.approx(0.5, abs=0.05)
    assert found["independent", 16] < 0.1


def test_each_pre_norm_block_adds_one_to_the_variance() -> None:
    rows = pre_norm_growth(blocks=32).rows
    assert [row["theory"] for row in rows if row["depth"] == 2] == [3.0, 2.5]
    assert [row["variance"] / row["theory"] for row in rows] == pytest.approx([1] * 64, abs=0.15)

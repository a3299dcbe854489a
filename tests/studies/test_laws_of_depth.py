"""How gradients and gains depend on depth: published laws, and cases that are known."""

from __future__ import annotations

import math

import pytest
import torch

from skiprun.errors import OptionError
from skiprun.studies.theory.batch_norm_explosion import FACTOR, batch_norm_explosion
from skiprun.studies.theory.expected_depth import expected_depth
from skiprun.studies.theory.norm_placement import norm_placement
from skiprun.studies.theory.residual_mixing import composite_gains, residual_mixing, sinkhorn


def test_batch_norm_explodes_a_plain_network_by_the_factor_of_the_theory() -> None:
    assert pytest.approx(1.2111, abs=1e-4) == FACTOR
    facts = batch_norm_explosion(depths=(20,)).facts
    assert facts["none, batch norm, depth 20"] == pytest.approx(FACTOR, abs=0.015)
    assert facts["add, batch norm, depth 20"] < 1.1


def test_with_skips_the_growth_a_layer_falls_with_depth() -> None:
    facts = batch_norm_explosion(depths=(5, 10, 20), width=64).facts
    growth = [facts[f"add, batch norm, depth {depth}"] for depth in (5, 10, 20)]
    assert growth == sorted(growth, reverse=True)


def test_the_last_gradient_falls_as_the_root_of_the_depth_with_pre_norm_alone() -> None:
    """The variance behind L blocks is 1 + L / 2, of which 4 and 64 blocks are wide enough apart."""
    facts = norm_placement(depths=(4, 16, 64)).facts
    expected = -0.5 * math.log(33 / 3) / math.log(64 / 4)
    assert facts["pre-norm slope"] == pytest.approx(expected, abs=0.08)
    assert facts["post-norm slope"] == pytest.approx(0, abs=0.08)


def test_without_a_skip_connection_the_last_gradient_does_not_depend_on_depth() -> None:
    facts = norm_placement(depths=(4, 16, 64), connection="none").facts
    assert facts["pre-norm slope"] == pytest.approx(0, abs=0.08)


def test_iterations_of_sinkhorn_make_rows_and_columns_sum_to_one() -> None:
    generator = torch.Generator().manual_seed(0)
    matrices = sinkhorn(torch.rand(5, 3, 4, 4, generator=generator, dtype=torch.float64), 50)
    for dim in (-1, -2):
        assert torch.allclose(matrices.sum(dim=dim), torch.ones(5, 3, 4, dtype=torch.float64))
    assert all(gain == pytest.approx(1) for gains in composite_gains(matrices) for gain in gains)


def test_the_gain_is_the_largest_sum_of_a_row_or_column_of_the_product() -> None:
    first, second = torch.tensor([[1.0, -2.0], [0.0, 1.0]]), torch.tensor([[0.0, 3.0], [1.0, 0.0]])
    found = [*composite_gains(torch.stack([first, second])[:, None])]
    # second @ first = [[0, 3], [1, -2]]
    assert found == [[3.0], [5.0]]


def test_free_mixings_grow_and_doubly_stochastic_ones_do_not() -> None:
    facts = residual_mixing().facts
    assert facts["free"] > 5 and facts["doubly stochastic"] == pytest.approx(1, abs=0.05)


def test_without_noise_free_mixings_stay_the_unit_matrix() -> None:
    assert residual_mixing(noise=0, draws=2).facts["free"] == 1


def test_stochastic_depth_keeps_40_of_54_blocks() -> None:
    found = expected_depth()
    assert found.facts["blocks"] == 54 and found.facts["theory"] == pytest.approx((3 * 54 - 1) / 4)
    # The number of a draw has a deviation of 3, the mean of 100 draws one of .3.
    assert found.facts["kept"] == pytest.approx(40.25, abs=1)


@pytest.mark.parametrize("survival", [0.2, 1.0])
def test_each_block_is_kept_as_often_as_the_linear_rule_says(survival: float) -> None:
    rows = expected_depth(network="resnet20", survival=survival, draws=400).rows
    assert [row["theory"] for row in rows][-1] == pytest.approx(survival)
    for row in rows:
        deviation = math.sqrt(row["theory"] * (1 - row["theory"]) / 400)
        assert row["kept"] == pytest.approx(row["theory"], abs=4 * deviation + 1e-9)


def test_a_survival_that_is_no_probability_is_refused() -> None:
    with pytest.raises(OptionError, match=r"found 1\.5"):
        expected_depth(survival=1.5)

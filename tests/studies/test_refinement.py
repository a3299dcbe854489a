"""Cosines of chains of scalar blocks, where a branch either follows the gradient or goes against it."""

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections.add import Add
from skiprun.models import build_model
from skiprun.studies.refinement import cosine, refinement
from tests.support.scalar_block import Scalar


def distance(output: Tensor, target: Tensor) -> Tensor:
    return (output.flatten() - target).square().sum()


def chain(*weights: float) -> nn.Module:
    return nn.Sequential(*(Scalar(Add, weight) for weight in weights))


ONES = torch.ones(4, 1, 1, 1)


def test_a_branch_that_moves_toward_the_target_has_a_cosine_of_one() -> None:
    # 1 -> 1.5 -> 1.2: the target above has the first branch on its side, the second against it.
    rows = refinement(chain(0.5, -0.2), [(ONES, torch.full((4,), 2.0))], distance).rows
    assert [row["cosine"] for row in rows] == pytest.approx([1.0, -1.0])
    rows = refinement(chain(0.5, -0.2), [(ONES, torch.full((4,), 0.5))], distance).rows
    assert [row["cosine"] for row in rows] == pytest.approx([-1.0, 1.0])


def test_the_mean_is_over_images_of_all_batches() -> None:
    above, below = torch.full((4,), 2.0), torch.full((4,), 0.5)
    result = refinement(chain(0.5), [(ONES, above), (ONES, above), (ONES, below)], distance)
    assert result.facts["late"] == pytest.approx(1 / 3)
    assert result.rows[0]["cosine_low"] == pytest.approx(-1) and result.rows[0]["cosine_high"] == 1


def test_a_gradient_at_the_end_of_float32_has_a_direction() -> None:
    branch = torch.tensor([[3.0, 4.0]])
    assert cosine(branch, torch.tensor([[-3e-38, -4e-38]])).item() == pytest.approx(1)
    assert cosine(torch.zeros(1, 2), branch).item() == 0


def test_thirds_sum_up_early_and_late_sites() -> None:
    result = refinement(chain(0.5, 0.1, -0.2), [(ONES, torch.full((4,), 2.0))], distance)
    assert result.facts == pytest.approx({"early": 1.0, "late": -1.0, "last": -1.0, "sites": 3})
    assert "points against" in result.verdict


@pytest.mark.parametrize("name", ["densenet40_12", "preact20", "unet"])
def test_networks_of_all_kinds_of_sites_have_cosines(name: str) -> None:
    batch = torch.randn(2, 3, 16, 16), torch.tensor([0, 1])
    result = refinement(build_model(name), [batch], lambda output, target: output.square().mean())
    assert all(-1 <= row["cosine"] <= 1 for row in result.rows)


def test_frozen_networks_have_cosines_too() -> None:
    model = build_model("resnet20", width=4).requires_grad_(False)
    batch = torch.randn(2, 3, 8, 8), torch.tensor([0, 1])
    frozen = refinement(model, [batch], nn.functional.cross_entropy).rows
    assert frozen == refinement(model.requires_grad_(), [batch], nn.functional.cross_entropy).rows


def test_a_branch_that_is_shut_points_nowhere() -> None:
    model = build_model("resnet20", width=4, connection="rezero")
    batch = torch.randn(2, 3, 8, 8), torch.tensor([0, 1])
    result = refinement(model, [batch], nn.functional.cross_entropy)
    assert {row["cosine"] for row in result.rows} == {0.0}

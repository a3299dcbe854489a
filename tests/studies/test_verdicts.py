"""What is said of measurements, at the values where the words change, and how they are summed up."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from skiprun.studies import landscape, reuse
from skiprun.studies.base import Row
from skiprun.studies.curvature import curvature
from skiprun.studies.plane import is_bias


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "Nearly convex"),
        (0.09, "Nearly convex"),
        (0.1, "Partly convex"),
        (0.5, "Partly convex"),
        (0.51, "Chaotic"),
    ],
)
def test_a_surface_is_chaotic_where_more_than_half_of_it_bends_down(share: float, words: str) -> None:
    facts = {"nonconvexity": share, "highest": 2.0, "loss": 1.0, "sharpness": 0.1}
    assert landscape.verdict(facts).startswith(words)


def test_sharpness_is_the_mean_rise_within_the_first_quarter() -> None:
    """Of a sum of squares on 9x9 points from -1 to 1: 13 of them are at most 0.5 from the middle."""
    axis = torch.linspace(-1, 1, 9, dtype=torch.float64)
    loss = 3 + axis.square() + axis[:, None].square()
    near = [x * x + y * y for x in axis.tolist() for y in axis.tolist() if x * x + y * y <= 0.25]
    facts = landscape.summarize(loss, axis)
    assert facts["sharpness"] == pytest.approx(sum(near) / len(near) / 4)
    assert (facts["loss"], facts["highest"]) == (3, 5)
    line = landscape.summarize(loss[4:5], axis)
    assert line["sharpness"] == pytest.approx(
        sum(x * x for x in axis.tolist() if abs(x) <= 0.5) / sum(abs(x) <= 0.5 for x in axis.tolist()) / 4
    )


def test_nonconvexity_of_a_line_is_the_share_of_it_that_bends_down() -> None:
    line = torch.tensor([[0.0, 1.0, 4.0, 5.0, 4.0, 5.0]], dtype=torch.float64)  # bends 2, -2, -2, 2
    assert landscape.nonconvexity(line).item() == 0.5
    middle_is_low = torch.tensor([[9.0, 4.0, 1.0, 0.0, 1.0, 4.0, 9.0]], dtype=torch.float64)
    assert landscape.nonconvexity(middle_is_low).item() == 0


@pytest.mark.parametrize(
    ("curvatures", "words"),
    [((1.0, 2.0, 8.0), "Convex"), ((-0.3, 2.0, 8.0), "Nearly convex"), ((-0.5, 2.0, 8.0), "Not convex")],
)
def test_a_loss_is_nearly_convex_up_to_a_twentieth_of_its_largest_curvature(
    curvatures: tuple[float, ...], words: str
) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return (torch.tensor(curvatures).double() / 2 * output.flatten().square()).sum()

    model = nn.Linear(1, 3, bias=False).double()
    result = curvature(model, [(torch.ones(1, 1).double(), torch.zeros(1))], loss)
    assert result.verdict.startswith(words)


def test_biases_and_norms_have_one_number_an_output() -> None:
    weights = [nn.Linear(3, 2).weight, nn.Conv2d(3, 2, 1).weight, nn.Conv2d(1, 2, 3).weight]
    assert not any(map(is_bias, weights))
    assert is_bias(nn.Linear(3, 2).bias) and is_bias(nn.BatchNorm2d(2).weight)
    assert is_bias(nn.Conv2d(1, 2, 1).weight) and is_bias(nn.Linear(1, 2).weight)


def test_reuse_is_summed_up_over_the_targets_that_have_a_choice() -> None:
    weights = [[3.0], [1.0, reuse.USED], [4.0, 2.0, 2.0, reuse.USED]]
    rows: list[Row] = [
        {"block": 1, "target": target, "source": source, "weight": weight}
        for target, sources in enumerate(weights, start=1)
        for source, weight in enumerate(sources)
    ]
    facts = reuse.summarize(rows, 1)
    assert facts["used"] == pytest.approx((1 + 3 / 4) / 2), "as much as the share of the largest is enough"
    late = (2 + reuse.USED) / 2
    assert facts["early_over_late"] == pytest.approx((1 / reuse.USED + 3 / late) / 2)
    assert facts["input_over_layers"] == pytest.approx((1 / reuse.USED + 4 / ((4 + reuse.USED) / 3)) / 2)
    assert reuse.ratio_of_means([2.0, 4.0], [0.0, 0.0]) == 3.0, "nothing is divided by"

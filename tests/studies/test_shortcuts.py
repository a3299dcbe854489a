"""Gradients through shortcuts alone: chains worked out by hand, and what a ReLU behind the addition takes."""

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.connections.add import Add
from skiprun.connections.constant_scaling import ConstantScaling
from skiprun.connections.none import NoConnection
from skiprun.errors import InputError
from skiprun.models import build_model
from skiprun.studies.shortcuts import shortcuts
from tests.support.scalar_block import Scalar

BATCH = (torch.ones(1, 1, 1, 1).double(), torch.zeros(1))


def total(output: Tensor, target: Tensor) -> Tensor:
    return output.sum()


def chain(connection: type[Connection], weight: float, blocks: int) -> nn.Module:
    return nn.Sequential(*(Scalar(connection, weight) for _ in range(blocks))).double()


@pytest.mark.parametrize(
    ("connection", "alone", "whole"),
    [(Add, 1.0, 1.25), (ConstantScaling, 0.5, 0.5 + 0.5 * 0.25), (NoConnection, 0.0, 0.25)],
)
def test_shortcuts_pass_on_the_product_of_their_factors(
    connection: type[Connection], alone: float, whole: float
) -> None:
    result = shortcuts([chain(connection, 0.25, 5)], [BATCH], total)
    assert [row["shortcuts"] for row in result.rows] == pytest.approx([alone**k for k in (4, 3, 2, 1, 0)])
    assert [row["gradient"] for row in result.rows] == pytest.approx([whole**k for k in (4, 3, 2, 1, 0)])
    assert result.facts["shortcuts_per_block"] == pytest.approx(alone)
    assert result.facts["gradient_per_block"] == pytest.approx(whole)
    assert (result.facts["shortcuts"], result.facts["gradient"]) == pytest.approx((alone**4, whole**4))


def test_an_activation_behind_the_addition_lets_through_where_the_signal_is_positive() -> None:
    """Of two images the first block makes one negative: its gradient ends there, at whatever depth."""
    model = chain(Add, -0.5, 4)
    for block in model.children():
        block.relu = nn.ReLU()
    batch = torch.tensor([1.0, -1.0]).double().view(2, 1, 1, 1), torch.zeros(2)
    result = shortcuts([model], [batch], total)
    assert [row["shortcuts"] for row in result.rows] == pytest.approx([0.5**0.5] * 3 + [1.0])


def test_a_stage_begins_where_its_container_does() -> None:
    result = shortcuts([build_model("preact20", width=4)], [images()], nn.functional.cross_entropy)
    assert [row["stage"] for row in result.rows] == ["layer1"] * 3 + ["layer2"] * 3 + ["layer3"] * 3
    assert [row["number"] for row in result.rows] == list(range(1, 10))
    assert [row["shortcuts"] for row in result.rows] == pytest.approx([1.0] * 9), (
        "nothing is on its shortcuts"
    )
    assert all(row["gradient"] == 1 for row in result.rows[2::3])
    assert result.rows[0]["gradient"] > 1


def test_the_median_is_that_of_networks_and_batches() -> None:
    networks = [chain(Add, weight, 2) for weight in (0.0, 1.0, 3.0)]
    assert shortcuts(networks, [BATCH] * 2, total).facts["gradient"] == pytest.approx(2.0)


def test_where_no_gradient_arrives_nothing_is_divided() -> None:
    result = shortcuts([chain(Add, 0.5, 3)], [BATCH], lambda output, target: (output * 0).sum())
    assert set(result.facts.values()) == {None}
    assert result.verdict.startswith("No gradient that is finite and not zero")


def test_a_network_without_blocks_is_refused() -> None:
    with pytest.raises(InputError, match="has no residual blocks"):
        shortcuts([nn.Sequential(nn.Flatten(), nn.Linear(192, 10))], [images()], nn.functional.cross_entropy)


def images() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(8, 3, 8, 8, generator=generator), torch.randint(10, (8,), generator=generator)

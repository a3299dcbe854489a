"""Path gradients of a chain of scalar blocks, where a path of k branches has the product of k weights."""

import math

import pytest
import torch
from torch import Tensor, nn

from skiprun.connections.add import Add
from skiprun.models import build_model
from skiprun.studies.cuts import branch_gradient, replace_connections, skip_gradient
from skiprun.studies.path_tracer import Tracer
from skiprun.studies.paths import paths, shortest_range, verdict
from tests.support.scalar_block import Scalar


def total(output: Tensor, target: Tensor) -> Tensor:
    return output.sum()


def chain(weight: float, blocks: int) -> nn.Module:
    return nn.Sequential(*(Scalar(Add, weight) for _ in range(blocks))).double()


BATCH = (torch.ones(1, 1, 1, 1).double(), torch.zeros(1))


def test_a_path_of_k_branches_has_the_gradient_w_to_the_k() -> None:
    rows = paths(chain(0.5, 6), [BATCH], total).rows
    assert [row["gradient"] for row in rows] == [0.5**length for length in range(7)]
    assert [row["paths"] for row in rows] == [math.comb(6, length) / 64 for length in range(7)]
    assert [row["share"] for row in rows] == pytest.approx(
        [math.comb(6, length) * 0.5**length / 1.5**6 for length in range(7)]
    )


def test_the_effective_length_of_equal_branches_is_that_of_a_binomial() -> None:
    facts = paths(chain(0.5, 6), [BATCH], total).facts
    assert facts["effective_length"] == pytest.approx(6 * 0.5 / 1.5)
    assert facts["mean_length"] == 3 and facts["sites"] == 6


def test_all_paths_together_are_the_gradient_of_the_network() -> None:
    model = build_model("resnet20", width=4).double().eval()
    for _, conv in [each for each in model.named_modules() if each[0].endswith("conv1")]:
        nn.init.normal_(conv.weight, std=0.1)
    tracer = Tracer(model, total)
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    gradients = []
    some = tracer.sites[:3]
    for choice in range(8):
        with replace_connections(
            {site: branch_gradient if choice >> bit & 1 else skip_gradient for bit, site in enumerate(some)}
        ):
            value = model(images).sum()
        gradients.append(torch.autograd.grad(value, tracer.start)[0])
    whole = torch.autograd.grad(model(images).sum(), tracer.start)[0]
    assert torch.allclose(torch.stack(gradients).sum(0), whole)


def test_the_shortest_range_holds_nine_tenths() -> None:
    assert shortest_range([0.04, 0.5, 0.42, 0.04]) == (1, 2)
    assert shortest_range([0.0, 1.0, 0.0]) == (1, 1)
    assert shortest_range([0.0, 0.0]) == (0, 1)


def test_a_plain_network_has_one_path() -> None:
    batch = torch.randn(2, 3, 8, 8), torch.tensor([0, 1])
    result = paths(build_model("plain20", width=4).eval(), [batch], total)
    assert result.facts["effective_length"] == result.facts["effective_from"] == 9
    assert result.verdict.startswith("There is one path, through all 9 branches")


def test_a_gradient_of_nothing_has_no_length() -> None:
    result = paths(chain(0.5, 3), [BATCH], lambda output, target: (output * 0).sum())
    assert result.verdict == "No gradient reaches the first block."


def test_a_small_share_of_all_paths_is_not_called_none() -> None:
    facts = {"gradient": 1.0, "effective_length": 8.0, "sites": 54, "effective_from": 5, "effective_to": 12}
    assert "Those are 0.0031 % of all paths" in verdict(
        facts | {"effective_paths": 3.1e-5, "mean_length": 27.0}
    )

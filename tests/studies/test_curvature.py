"""Curvature and trajectory where eigenvalues and components are known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from skiprun.errors import InputError
from skiprun.studies.curvature import curvature
from skiprun.studies.trajectory import extent, trajectory


def quadratic(*curvatures: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Return a loss 1/2 sum c_i w_i^2 of a network that gives its weights back."""
    half = torch.tensor(curvatures).double() / 2
    return lambda output, target: (half * output.flatten().square()).sum()


def weights(values: list[float]) -> nn.Module:
    model = nn.Linear(1, len(values), bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor(values)[:, None])
    return model


ONE = [(torch.ones(1, 1).double(), torch.zeros(1))]


def test_the_ends_of_the_spectrum_of_a_quadratic_are_its_curvatures() -> None:
    facts = curvature(weights([1.0] * 6), ONE, quadratic(-1.0, 0.5, 1.0, 2.0, 3.0, 8.0)).facts
    assert facts["smallest"] == pytest.approx(-1, rel=0.02) and facts["largest"] == pytest.approx(8, rel=0.02)
    assert facts["ratio"] == pytest.approx(1 / 8, rel=0.05)


def test_batches_count_by_their_images() -> None:
    batches = [(torch.ones(1, 1).double(), torch.zeros(1)), (torch.ones(3, 1).double(), torch.zeros(3))]
    loss = lambda output, target: (len(target) * output[0].square() / 2).sum()  # noqa: E731
    assert curvature(weights([1.0, 1.0, 1.0]), batches, loss).facts["largest"] == pytest.approx((1 + 9) / 4)


def test_a_way_in_a_plane_is_held_by_two_components() -> None:
    model = nn.Linear(3, 2)
    start = model.weight.detach().clone()
    one, other = torch.randn(2, 2, 3)
    steps = [(3.0, 0.0), (1.0, 1.0), (0.0, 0.0)]
    states = [{"weight": start + a * one + b * other, "bias": model.bias.detach()} for a, b in steps]
    result = trajectory(
        model, lambda net: {"loss": net.weight.detach().sub(start).norm().item()}, states, steps=5
    )
    assert result.facts["explained"] == pytest.approx(1)
    way = [(row["x"], row["y"]) for row in result.rows if row["what"] == "way"]
    lengths = [torch.tensor(point).norm().item() for point in way]
    assert lengths == pytest.approx([(a * one + b * other).norm().item() for a, b in steps], abs=1e-5)
    for row in result.rows:
        if row["what"] == "surface":
            assert row["loss"] == pytest.approx(torch.tensor([row["x"], row["y"]]).norm().item(), abs=1e-4)


def test_two_states_span_no_plane() -> None:
    with pytest.raises(InputError, match="found 2"):
        trajectory(nn.Linear(1, 1), lambda net: {"loss": 0.0}, [nn.Linear(1, 1).state_dict()] * 2)


def test_the_surface_reaches_a_fifth_of_the_way_beyond_it() -> None:
    assert extent(torch.tensor([3.0, 1.0, 2.0]), steps=3) == pytest.approx([0.6, 2.0, 3.4])

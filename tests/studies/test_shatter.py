"""Shattered gradients against known noises, the theorems' formulas and the reference table."""

import math

import pytest
import torch
from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.models import build_model
from skiprun.studies.shatter import LAGS, autocorrelation, brown, gradients, shatter
from skiprun.studies.theory.shatter_depth import shatter_depth
from skiprun.studies.theory.shatter_depth import verdict as verdict_by_depth
from skiprun.studies.theory.shatter_theorem import expected_correlation, shatter_theorem


def test_white_noise_has_no_autocorrelation_and_a_random_walk_that_of_the_formula() -> None:
    torch.manual_seed(0)
    noise = torch.randn(500, 2000)
    white, walk = autocorrelation(noise), autocorrelation(noise.cumsum(dim=0))
    assert white[0] == pytest.approx(1) and white[1:].abs().max() < 0.01
    assert walk.tolist() == pytest.approx([brown(lag, 500) for lag in LAGS], abs=0.01)


def test_the_autocorrelation_of_an_alternating_sequence_is_minus_one_at_odd_lags() -> None:
    found = autocorrelation(torch.tensor([1.0, -1.0]).repeat(50)[:, None])
    assert found.tolist() == pytest.approx([1.0 if lag % 2 == 0 else -1.0 for lag in LAGS])


def test_the_gradient_of_a_square_is_linear_in_the_input() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.square()

    line = torch.linspace(-1, 1, 5)[:, None]
    found = gradients(Square(), line)
    assert torch.allclose(found / found[-1], line)


def test_theory_agrees_with_the_reference_table() -> None:
    expected = [0.750, 0.610, 0.520, 0.455, 0.370, 0.314, 0.205, 0.156]
    assert [
        expected_correlation("add", True, depth) for depth in (1, 2, 3, 4, 6, 8, 16, 24)
    ] == pytest.approx(expected, abs=6e-4)
    assert expected_correlation("none", True, 3) == 1 / 8 and expected_correlation("add", False, 2) == 9 / 16


@pytest.mark.parametrize(
    ("network", "reference"),
    [
        ("none, batch norm", [0.494, 0.245, 0.059]),
        ("none, no norm", [0.500, 0.302, 0.142]),
        ("add, no norm", [0.749, 0.582, 0.379]),
        ("add, batch norm", [0.743, 0.599, 0.445]),
    ],
)
def test_correlation_of_gradients_agrees_with_the_reference_table(
    network: str, reference: list[float]
) -> None:
    rows = shatter_theorem(depths=(1, 2, 4), draws=20).rows
    found = [row["correlation"] for row in rows if row["network"] == network]
    assert found == pytest.approx(reference, abs=0.025)


def test_autocorrelation_by_depth_agrees_with_the_reference() -> None:
    rows = shatter_depth(depths=(10,)).rows
    found = {(row["kind"], row["lag"]): row["autocorrelation"] for row in rows}
    assert sorted({lag for _, lag in found}) == [*range(7), 8, 10, 12, 15], "as far as the paper's figure"
    assert [found["none, no norm", lag] for lag in (1, 2, 5, 10)] == pytest.approx(
        [0.94, 0.89, 0.75, 0.59], abs=0.06
    )
    assert [found["none, batch norm", lag] for lag in (1, 2, 5, 10)] == pytest.approx(
        [0.16, -0.04, -0.05, -0.01], abs=0.06
    )
    assert found["add, batch norm", 1] > 0.6


def test_gradients_by_depth_are_those_at_256_points_from_minus_two_to_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: list[Tensor] = []

    def noting(network: nn.Module, line: Tensor) -> Tensor:
        lines.append(line)
        return gradients(network, line)

    monkeypatch.setattr("skiprun.studies.theory.shatter_depth.gradients", noting)
    shatter_depth(depths=(2,), width=2, draws=1)
    for line in lines:
        assert line.shape == (256, 1)
        assert line[:, 0].tolist() == pytest.approx([-2 + 4 * place / 255 for place in range(256)], abs=1e-6)


def test_deep_plain_networks_shatter_and_residual_ones_less() -> None:
    def shares(name: str) -> float:
        torch.manual_seed(0)
        batch = (torch.randn(8, 3, 8, 8), torch.zeros(8))
        return shatter([build_model(name, width=4)], batch, lines=2).facts["brown_share"]

    assert shares("plain56") < 0.2 < shares("resnet56")
    assert math.isfinite(shares("resnet20"))


def test_too_few_points_are_refused() -> None:
    with pytest.raises(OptionError, match="found 12"):
        shatter([nn.Flatten()], (torch.zeros(2, 1), torch.zeros(2)), points=12)


def test_the_nearest_noise_is_the_nearest_on_either_side() -> None:
    said = verdict_by_depth({"below": -0.3, "near white": 0.05, "near brown": 0.97, "beyond": 1.4})
    assert (
        said.startswith("Nearest to white noise: near white (0.05")
        and "brown noise: near brown (0.97)" in said
    )

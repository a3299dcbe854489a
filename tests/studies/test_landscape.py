"""Loss surfaces of functions whose curvature is known, and the recipe of the directions."""

import json
import time

import pytest
import torch
from torch import Tensor, nn

from skiprun.errors import OptionError
from skiprun.models import build_model
from skiprun.studies.base import StudyResult
from skiprun.studies.landscape import landscape, nonconvexity, verdict
from skiprun.studies.plane import ENDLESS, random_direction


def square(model: nn.Module) -> dict[str, float]:
    return {
        "loss": sum(parameter.detach().double().square().sum().item() for parameter in model.parameters())
    }


class Counting:
    def __init__(self, stop_at: int | None = None) -> None:
        self.calls, self.stop_at = 0, stop_at

    def __call__(self, model: nn.Module) -> dict[str, float]:
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return square(model)


def test_directions_have_the_norm_of_each_filter_and_leave_biases_and_norms_alone() -> None:
    model = build_model("resnet20", width=4)
    direction = random_direction(model, torch.Generator().manual_seed(0))
    for (name, weight), moved in zip(model.named_parameters(), direction, strict=True):
        if weight.ndim == 1:
            assert not moved.any(), name
        else:
            assert torch.allclose(moved.flatten(1).norm(dim=1), weight.flatten(1).norm(dim=1)), name


def test_two_networks_are_looked_at_along_directions_of_the_same_draw() -> None:
    one, other = (nn.Linear(3, 2), nn.Linear(3, 2))
    pairs = (random_direction(each, torch.Generator().manual_seed(5))[0] for each in (one, other))
    first, second = (each / each.norm(dim=1, keepdim=True) for each in pairs)
    assert torch.allclose(first, second)


def test_a_sum_of_squares_is_convex_and_has_the_values_of_the_formula() -> None:
    model = nn.Linear(3, 2, bias=False).double()
    first, second = (each.double() for each in both_directions(model))
    result = landscape(model, square, steps=5)
    for row in result.rows:
        assert row["loss"] == pytest.approx(
            (model.weight + row["x"] * first + row["y"] * second).square().sum().item()
        )
    assert result.facts["nonconvexity"] == 0 and result.verdict.startswith("Nearly convex")
    assert result.facts["loss"] == pytest.approx(square(model)["loss"])


def both_directions(model: nn.Module) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [random_direction(model, generator)[0] for _ in range(2)]


def test_nonconvexity_of_bowl_saddle_and_hill() -> None:
    axis = torch.linspace(-1, 1, 9).double()
    x, y = axis[None], axis[:, None]
    assert nonconvexity(x**2 + 3 * y**2) == 0
    assert nonconvexity(x**2 - y**2 / 4) == pytest.approx(0.25)
    assert nonconvexity(-(x**2) - y**2) == pytest.approx(1)
    assert nonconvexity(x * y) == pytest.approx(1), "a saddle that is turned against the axes"
    assert nonconvexity(x**3) == pytest.approx(3 / 7), "a line with the middle point straight"


def test_a_stopped_survey_continues_where_it_was() -> None:
    model, kept = nn.Linear(3, 2), []
    with pytest.raises(KeyboardInterrupt):
        landscape(model, Counting(stop_at=8), steps=3, report=lambda row, total: kept.append(json.dumps(row)))
    assert len(kept) == 7
    rest = Counting()
    continued = landscape(model, rest, steps=3, known=[json.loads(row) for row in kept])
    assert rest.calls == 2
    assert continued == landscape(model, Counting(), steps=3)


def test_a_line_has_one_row_a_step_and_an_endless_loss_a_number() -> None:
    rows = landscape(nn.Linear(3, 2), lambda model: {"loss": float("nan")}, dims=1, steps=3).rows
    assert [(row["x"], row["y"], row["loss"]) for row in rows] == [
        (x, 0.0, ENDLESS) for x in (-1.0, 0.0, 1.0)
    ]


def test_an_even_number_of_steps_is_refused() -> None:
    with pytest.raises(OptionError, match="found 4"):
        landscape(nn.Linear(3, 2), square, steps=4)


def slowly(model: nn.Module) -> dict[str, float]:
    """Return the square of the weights, unless somebody moves them meanwhile."""
    before = square(model)
    time.sleep(0.1)
    assert square(model) == before, "another process went to a point of its own with the same weights"
    return before


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return nn.Linear(3, 2)


@pytest.fixture(scope="module")
def by_two_processes(model: nn.Module) -> StudyResult:
    return landscape(model, slowly, steps=3, workers=2)


def test_two_processes_find_what_one_finds(model: nn.Module, by_two_processes: StudyResult) -> None:
    assert by_two_processes == landscape(model, square, steps=3)


def test_two_processes_continue_what_one_began(model: nn.Module, by_two_processes: StudyResult) -> None:
    kept = []
    with pytest.raises(KeyboardInterrupt):
        landscape(model, Counting(stop_at=5), steps=3, report=lambda row, total: kept.append(row))
    assert landscape(model, slowly, steps=3, workers=2, known=kept) == by_two_processes


def test_a_loss_beyond_all_numbers_is_not_said_as_a_number() -> None:
    said = verdict({"nonconvexity": 0.3, "sharpness": 2.0, "loss": 0.1, "highest": ENDLESS})
    assert "rises from 0.1 to beyond all numbers" in said and "e+30" not in said


@pytest.mark.parametrize("steps", [3, 7, 15, 51])
def test_the_middle_of_a_line_is_where_the_trained_weights_are(steps: int) -> None:
    model = nn.Linear(3, 2, bias=False).double()
    places = [row["x"] for row in landscape(model, square, dims=1, steps=steps, span=0.7).rows]
    assert places[steps // 2] == 0.0 and places == [-place for place in reversed(places)]
    assert (places[0], places[-1], len(places)) == (-0.7, 0.7, steps)

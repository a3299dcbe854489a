"""Lesions of a network of scalar blocks, whose output without any of them is a product on paper."""

import random
from itertools import pairwise

import pytest
import torch
from torch import nn

from skiprun.connections import Connection
from skiprun.connections.add import Add
from skiprun.connections.highway import Highway
from skiprun.connections.none import NoConnection
from skiprun.errors import InputError
from skiprun.models import build_model
from skiprun.studies.base import StudyResult
from skiprun.studies.lesion import lesion, verdict
from skiprun.studies.reorder import alike, swapped
from tests.support.scalar_block import Scalar

MANY = 10_000  # images, whose errors are told apart from a point on


def chain(connection: type[Connection], *weights: float) -> nn.Sequential:
    return nn.Sequential(*(Scalar(connection, weight) for weight in weights))


def output(model: nn.Module) -> dict[str, float]:
    return {"loss": 0.0, "error": model(torch.ones(1, 1, 1, 1)).item()}


def deleted(result: StudyResult) -> list[float]:
    return [row["error"] for row in result.rows if row["what"] == "delete"]


def test_a_residual_chain_loses_the_factor_of_the_deleted_block() -> None:
    result = lesion(chain(Add, 1.0, 2.0, 4.0), output, MANY)
    assert result.rows[0]["error"] == 2.0 * 3.0 * 5.0
    assert deleted(result) == [15.0, 10.0, 6.0]
    assert result.facts["median_damage"] == 10.0 - 30.0 and result.facts["sites"] == 3


def test_a_chain_without_its_skips_keeps_the_branch_alone() -> None:
    assert deleted(lesion(chain(Add, 1.0, 2.0, 4.0), output, MANY, side="skip")) == [15.0, 20.0, 24.0]


@pytest.mark.parametrize("connection", [NoConnection, Highway])
def test_deleted_plain_and_gated_blocks_pass_x_through(connection: type[Connection]) -> None:
    model = chain(connection, 3.0, 5.0)
    one, other = (block(torch.ones(1, 1, 1, 1)).item() for block in model)
    assert lesion(model, output, MANY).rows[1]["error"] == pytest.approx(
        output(nn.Sequential(model[1]))["error"]
    )
    assert deleted(lesion(chain(NoConnection, 3.0, 5.0), output, MANY)) == [5.0, 3.0]
    assert one != other


def test_all_blocks_deleted_at_random_leave_the_input() -> None:
    rows = lesion(chain(Add, 1.0, 2.0), output, MANY).rows
    last = [row for row in rows if row["what"] == "random"][-1]
    assert last["blocks"] == 2 and last["damage"] == 1.0 - 6.0


def test_plain_blocks_that_change_the_shape_cannot_be_deleted() -> None:
    model = build_model("plain20", width=4)
    images = torch.randn(2, 3, 16, 16)
    result = lesion(model, lambda net: {"loss": net.eval()(images).mean().item()}, MANY, draws=1)
    assert result.facts["deletable"] == 7 and result.facts["sites"] == 9
    numbers = {row["site"]: row["number"] for row in result.rows if row["what"] == "delete"}
    assert numbers.keys().isdisjoint({"layer2.0.connection", "layer3.0.connection"})
    assert list(numbers.values()) == [1, 2, 3, 5, 6, 8, 9], "so that networks of one depth can be overlaid"


def test_swapped_blocks_have_the_tau_of_their_order_and_come_back_after_a_fault() -> None:
    model = chain(Add, 1.0, 2.0, 3.0)
    before = list(model)
    groups = alike(model, ["0", "1", "2"])
    taus = set()
    for seed in range(20):
        with swapped(model, groups, 1, random.Random(seed)) as tau:
            taus.add(round(tau, 6))
    assert taus == {round(1 / 3, 6), -1.0}, "neighbours, or the two ends"
    with pytest.raises(KeyboardInterrupt), swapped(model, groups, 1, random.Random(0)):
        raise KeyboardInterrupt
    assert list(model) == before


def test_only_blocks_of_one_shape_are_swapped() -> None:
    groups = alike(
        build_model("resnet20"), [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in range(3)]
    )
    assert groups == [
        ["layer1.0", "layer1.1", "layer1.2"],
        ["layer2.1", "layer2.2"],
        ["layer3.1", "layer3.2"],
    ]


def test_a_network_without_sites_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="Sequential has no connection sites"):
        lesion(nn.Sequential(nn.Linear(1, 1)), output, MANY)


@pytest.mark.parametrize(
    ("median", "largest", "word"),
    [(0.3, 88.0, "Robust"), (24.0, 35.0, "Collapse"), (88.0, 97.0, "Collapse"), (20.0, 80.0, "Between")],
)
def test_collapse_is_measured_by_what_there_is_to_lose(median: float, largest: float, word: str) -> None:
    facts = {
        "score": "error",
        "intact": 2.0,
        "deletable": 9,
        "worst_damage": largest,
        "worst_site": "layer1.0",
    }
    facts |= {"images": MANY, "smallest_gap": 0.5}
    assert verdict(facts | {"median_damage": median, "largest_damage": largest}).startswith(word)


def test_a_network_that_knows_nothing_has_nothing_to_lose() -> None:
    result = lesion(chain(Add, 0.0, 0.0), output, MANY)
    assert result.verdict.startswith(
        "Nothing to lose: with an intact error of 1.00, the worst lesion costs 0.00 points."
    )


@pytest.mark.parametrize("images", [2, 5, 30])
def test_few_images_do_not_show_that_nothing_is_lost(images: int) -> None:
    """No lesion changes one of their labels, and more than five points could be lost unseen."""
    result = lesion(chain(Add, 0.0, 0.0), lambda model: output(model) | {"error": 0.0}, images)
    assert result.verdict.startswith("Too few images to tell a loss of 5 points: ")
    assert f"Of {images} images, each {100 / images:.2g} points" in result.verdict


def test_what_few_images_do_tell_is_said() -> None:
    errors = iter([10.0, *[80.0] * 100])
    result = lesion(chain(Add, 1.0, 2.0), lambda model: output(model) | {"error": next(errors)}, 20)
    assert result.facts["smallest_gap"] == 40.0 and result.verdict.startswith("Collapse: ")


def test_a_score_of_masks_is_lost_in_points_as_an_error_is_added() -> None:
    """An IoU is a share: what is lost of it counts a hundred times."""

    def overlap(model: nn.Module) -> dict[str, float]:
        return {"loss": 0.0, "iou": 0.9 if model(torch.ones(1, 1, 1, 1)).item() == 6.0 else 0.4}

    result = lesion(chain(Add, 1.0, 2.0), overlap, MANY)
    assert [row["damage"] for row in result.rows if row["what"] == "delete"] == pytest.approx([50.0, 50.0])
    assert result.verdict.startswith(
        "Collapse: without one block the iou is worse by 50.00 points in the median"
    )
    assert result.verdict.endswith("Of 10,000 images, untested.")


def test_blocks_are_deleted_and_swapped_in_numbers_that_grow_by_no_more_than_twice() -> None:
    rows = lesion(chain(Add, *[0.1] * 50), output, MANY, draws=1).rows
    for what in ("random", "swap"):
        counts = [row["blocks"] for row in rows if row["what"] == what]
        assert counts[:4] == [1, 2, 3, 4] and counts[-1] == 48
        assert all(one < next_one <= 2 * one for one, next_one in pairwise(counts))

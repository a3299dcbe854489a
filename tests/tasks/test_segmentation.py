"""Loss and scores of masks, against torchmetrics and by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.data.borders import VOID as VOID_OF_DATA
from skiprun.system.torchvision_repair import torchvision  # noqa: F401 - before torchmetrics imports it
from skiprun.tasks.masks import VOID
from skiprun.tasks.segmentation import Segmentation, constant_scores


def scored(output: Tensor, target: Tensor, **options: Any) -> dict[str, float]:
    task = Segmentation(**options)
    return task.scores(task.counts(output, target))


def squares(*places: tuple[int, int], size: int = 32) -> Tensor:
    """Return one mask with 8x8 squares at these corners."""
    mask = torch.zeros(1, size, size, dtype=torch.uint8)
    for row, column in places:
        mask[0, row : row + 8, column : column + 8] = 1
    return mask


def logits_of(mask: Tensor, number: int = 2) -> Tensor:
    """Return logits [N, K, H, W] that are sure of a mask; one logit for two classes."""
    if number == 2:
        return 20.0 * mask[:, None].float() - 10
    return 20 * F.one_hot(mask.long(), number).permute(0, 3, 1, 2).float()


@pytest.fixture(params=[2, 4], ids=["two classes", "four classes"])
def case(request: pytest.FixtureRequest) -> tuple[int, Tensor, Tensor]:
    """Random logits, and masks of which a tenth is void."""
    number = request.param
    torch.manual_seed(number)
    target = torch.randint(number, (3, 24, 20), dtype=torch.uint8)
    target[torch.rand(target.shape) < 0.1] = VOID
    return number, torch.randn(3, 1 if number == 2 else number, 24, 20), target


def test_overlap_agrees_with_torchmetrics(case: tuple[int, Tensor, Tensor]) -> None:
    from torchmetrics.functional.classification import (
        binary_f1_score,
        binary_jaccard_index,
        multiclass_f1_score,
        multiclass_jaccard_index,
    )

    number, output, target = case
    if number == 2:
        iou, dice = (
            metric(output[:, 0], target.long(), ignore_index=VOID)
            for metric in (binary_jaccard_index, binary_f1_score)
        )
    else:
        iou, dice = (
            metric(output.argmax(1), target.long(), number, average="macro", ignore_index=VOID)
            for metric in (multiclass_jaccard_index, multiclass_f1_score)
        )
    scores = scored(output, target)
    assert scores["iou"] == pytest.approx(iou.item(), abs=1e-6)
    assert scores["dice"] == pytest.approx(dice.item(), abs=1e-6)


def test_iou_by_class_agrees_with_torchmetrics(case: tuple[int, Tensor, Tensor]) -> None:
    from torchmetrics.functional.classification import multiclass_jaccard_index

    number, output, target = case
    scores = scored(output, target)
    if number == 2:
        assert not any("class" in name for name in scores)
        return
    each = multiclass_jaccard_index(
        output.argmax(1), target.long(), number, average="none", ignore_index=VOID
    )
    assert [scores[f"iou_class_{index}"] for index in range(number)] == pytest.approx(each.tolist(), abs=1e-6)


def test_cross_entropy_is_that_of_torch(case: tuple[int, Tensor, Tensor]) -> None:
    number, output, target = case
    loss = Segmentation("cross_entropy").loss(output, target)
    if number == 2:
        valid = target != VOID
        expected = F.binary_cross_entropy_with_logits(output[:, 0][valid], target[valid].float())
    else:
        expected = F.cross_entropy(output, target.long(), ignore_index=VOID)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_label_smoothing_is_that_of_torch() -> None:
    torch.manual_seed(0)
    output, target = torch.randn(2, 5, 8, 8), torch.randint(5, (2, 8, 8))
    expected = F.cross_entropy(output, target, label_smoothing=0.1).item()
    assert Segmentation("cross_entropy", label_smoothing=0.1).loss(output, target).item() == pytest.approx(
        expected
    )


def test_one_logit_and_two_say_the_same() -> None:
    torch.manual_seed(0)
    one, target = torch.randn(2, 1, 16, 16), torch.randint(2, (2, 16, 16), dtype=torch.uint8)
    two = torch.cat([torch.zeros_like(one), one], 1)
    assert scored(one, target) == scored(two, target)
    losses = [
        Segmentation("cross_entropy", label_smoothing=0.1).loss(each, target).item() for each in (one, two)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_dice_loss_is_nothing_for_the_right_mask_and_the_sum_adds_up() -> None:
    mask = squares((4, 4), (16, 20))
    assert Segmentation("dice").loss(logits_of(mask), mask).item() == pytest.approx(0, abs=1e-3)
    wrong = logits_of(1 - mask)
    kinds = {kind: Segmentation(kind).loss(wrong, mask).item() for kind in ("cross_entropy", "dice", "sum")}
    assert kinds["dice"] > 0.98
    assert kinds["sum"] == pytest.approx(kinds["cross_entropy"] + kinds["dice"], rel=1e-6)


def test_void_changes_neither_loss_nor_gradient_nor_scores() -> None:
    torch.manual_seed(1)
    target = torch.randint(2, (1, 16, 16), dtype=torch.uint8)
    target[0, :, 10:] = VOID
    output = torch.randn(1, 1, 16, 16, requires_grad=True)
    changed = output.detach().clone()
    changed[..., 12:] = 50
    loss = Segmentation().loss(output, target)
    loss.backward()
    assert output.grad is not None and output.grad[..., 10:].abs().sum() == 0
    assert Segmentation().loss(changed, target).item() == loss.item()
    assert scored(changed, target) == scored(output.detach(), target)


def test_a_batch_of_void_has_a_finite_loss() -> None:
    target = torch.full((2, 8, 8), VOID, dtype=torch.uint8)
    assert Segmentation().loss(torch.randn(2, 1, 8, 8), target).isfinite()


def test_the_right_mask_has_every_score() -> None:
    mask = squares((4, 4), (16, 20))
    assert scored(logits_of(mask), mask) == {"iou": 1, "dice": 1, "boundary": 1, "pixel_error": 0}


@pytest.mark.parametrize("number", [2, 4])
def test_nothing_there_and_nothing_found_is_no_score(number: int) -> None:
    """Of two classes only the object is scored; of more the background is a class as well."""
    mask = squares()
    scores = scored(logits_of(mask, number), mask)
    assert math.isnan(scores["boundary"]) and scores["pixel_error"] == 0
    assert (math.isnan(scores["iou"]), math.isnan(scores["dice"])) == (
        (True, True) if number == 2 else (False, False)
    )


@pytest.mark.parametrize("number", [2, 4])
def test_void_alone_is_no_score(number: int) -> None:
    void = torch.full((1, 32, 32), VOID, dtype=torch.uint8)
    scores = scored(logits_of(squares((8, 8)), number), void)
    assert set(scores) == {"iou", "dice", "boundary", "pixel_error"} and all(map(math.isnan, scores.values()))


@pytest.mark.parametrize("number", [2, 4])
def test_the_trivial_answer_is_the_best_of_all_constant_ones(number: int) -> None:
    torch.manual_seed(0)
    target = torch.randint(number, (2, 16, 16), dtype=torch.uint8)
    target[:, :6], target[:, 6:8] = 1, VOID
    answers = [scored(logits_of(torch.full((2, 16, 16), each), number), target) for each in range(number)]
    pixels = [int((target == each).sum()) for each in range(number)]
    for name, choose in {"iou": max, "dice": max, "boundary": max, "pixel_error": min}.items():
        assert constant_scores(pixels)[name] == pytest.approx(choose(each[name] for each in answers))


def test_all_object_is_already_at_the_share_of_the_object() -> None:
    assert constant_scores([17, 83]) == pytest.approx(
        {"iou": 0.83, "dice": 2 * 0.83 / 1.83, "boundary": 0, "pixel_error": 0.17}
    )


def test_the_tolerance_is_a_square_and_a_boundary_has_eight_neighbours() -> None:
    """One pixel moved by (1, 1) is found at tolerance 1, where a disc of radius 1 misses it: a corner."""
    one, moved = torch.zeros(1, 9, 9, dtype=torch.uint8), torch.zeros(1, 9, 9, dtype=torch.uint8)
    one[0, 4, 4] = moved[0, 5, 5] = 1
    assert scored(logits_of(one), moved, boundary_tolerance=1)["boundary"] == 1
    corner = torch.ones(1, 9, 9, dtype=torch.uint8)
    corner[0, 0, 0] = 0
    assert Segmentation().counts(logits_of(corner), corner)[4:].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("moved", "tolerance", "boundary"), [(0, 0, 1), (1, 1, 1), (2, 1, 16 / 28), (2, 2, 1), (12, 2, 0)]
)
def test_boundary_counts_pixels_within_the_tolerance(moved: int, tolerance: int, boundary: int) -> None:
    """Two squares of 8 pixels have 28 boundary pixels each; moved two, sides along the move still meet."""
    scores = scored(logits_of(squares((8, 8))), squares((8, 8 + moved)), boundary_tolerance=tolerance)
    assert scores["boundary"] == pytest.approx(boundary, abs=0.05)


def test_the_edge_of_the_image_is_no_boundary() -> None:
    full = torch.ones(1, 8, 8, dtype=torch.uint8)
    counts = Segmentation().counts(logits_of(full), full)
    assert counts[4:].tolist() == [0, 0, 0, 0]


def test_a_filled_wall_costs_little_overlap_and_all_of_the_boundary() -> None:
    parted = torch.ones(1, 32, 32, dtype=torch.uint8)
    parted[..., 16] = 0
    scores = scored(logits_of(torch.ones_like(parted)), parted)
    assert scores["iou"] == pytest.approx(31 / 32)
    assert scores["boundary"] == 0


def test_counts_add_up_over_batches(case: tuple[int, Tensor, Tensor]) -> None:
    number, output, target = case
    task = Segmentation()
    parts = torch.stack([task.counts(output[[each]], target[[each]]) for each in range(3)]).sum(0)
    assert torch.equal(parts, task.counts(output, target))
    assert len(parts) == number**2 + 4 * (number - 1)


def test_border_weights_count_in_the_loss_and_not_in_the_scores() -> None:
    torch.manual_seed(2)
    mask, output = squares((8, 8)), torch.randn(1, 1, 32, 32)
    closeness = torch.zeros_like(mask)
    closeness[0, 0] = 255
    both = torch.stack([mask, closeness], 1)
    plain, weighted = (
        Segmentation("cross_entropy", border_weight=weight).loss(output, both) for weight in (0, 10)
    )
    row = F.binary_cross_entropy_with_logits(output[0, 0, 0], mask[0, 0].float())
    assert plain.item() == pytest.approx(Segmentation("cross_entropy").loss(output, mask).item())
    assert weighted.item() == pytest.approx(plain.item() + 10 * row.item() / 32, rel=1e-5)
    assert scored(output, both) == scored(output, mask)


def test_deep_supervision_averages_losses_and_scores_the_mean(case: tuple[int, Tensor, Tensor]) -> None:
    _, output, target = case
    heads = torch.stack([output, 3 * output])
    task = Segmentation()
    expected = (task.loss(output, target) + task.loss(3 * output, target)) / 2
    assert task.loss(heads, target).item() == pytest.approx(expected.item(), rel=1e-6)
    assert torch.equal(task.counts(heads, target), task.counts(2 * output, target))


def test_void_is_one_number_for_data_and_task() -> None:
    assert VOID == VOID_OF_DATA

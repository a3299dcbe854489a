"""Pixels are counted exactly, in whichever way a device counts them."""

from __future__ import annotations

import pytest
import torch

from skiprun.tasks.confusion import confusion_matrix, count_cells, sum_of_products
from skiprun.tasks.masks import VOID


@pytest.mark.parametrize("number", [2, 3, 5, 21])
def test_both_ways_count_the_same(number: int) -> None:
    draw = torch.Generator().manual_seed(number)
    truth, predicted = torch.randint(number, (2, 3, 40, 50), generator=draw)
    truth[torch.rand(truth.shape, generator=draw) < 0.2] = VOID
    valid = truth != VOID
    counted, summed = count_cells(truth, predicted, valid, number), sum_of_products(truth, predicted, number)
    assert torch.equal(counted, summed) and counted.dtype == summed.dtype == torch.float64
    assert torch.equal(confusion_matrix(truth, predicted, valid, number), counted)
    assert counted.sum() == valid.sum()
    assert counted[0, 1] == ((truth == 0) & (predicted == 1)).sum()


def test_products_are_not_rounded_where_networks_compute_in_bf16() -> None:
    truth = torch.zeros(1, 4, 1001, dtype=torch.int64)
    with torch.autocast("cpu", torch.bfloat16):
        assert sum_of_products(truth, truth, 2)[0, 0] == 4004


def test_more_pixels_than_float32_counts_are_counted() -> None:
    side = 4100
    assert side * side > 1 << 24
    truth = torch.zeros(1, 1, 1, dtype=torch.int64).expand(1, side, side)
    assert sum_of_products(truth, truth, 2).tolist() == [[side * side, 0], [0, 0]]

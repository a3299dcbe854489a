"""The validation split: exactly sized, stratified, a function of its seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skiprun.data.partition import stratified_split


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.floats(0.01, 0.6), st.integers(0, 9))
def test_part_has_its_size_and_each_class_its_share_within_one(
    sizes: list[int], fraction: float, seed: int
) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    count = int(fraction * len(labels))
    try:
        rest, part = stratified_split(labels, count, seed)
    except ValueError:
        # Only where so many classes are tiny that the roundings cannot all be taken from others.
        assert count > 0 and min(sizes) < 4
        return
    assert len(part) == count
    assert np.array_equal(np.sort(np.concatenate([rest, part])), np.arange(len(labels)))
    given_by_class = np.bincount(labels[part], minlength=len(sizes))
    assert (np.abs(given_by_class - np.array(sizes) * count / len(labels)) <= 1).all()
    assert (np.bincount(labels[rest], minlength=len(sizes)) > 0).all()


def test_equal_classes_give_equally() -> None:
    labels = np.tile(np.arange(10), 500)
    rest, part = stratified_split(labels, 500, seed=0)
    assert np.bincount(labels[part]).tolist() == [50] * 10
    assert np.bincount(labels[rest]).tolist() == [450] * 10


def test_same_seed_same_part_other_seed_other_part() -> None:
    labels = np.tile(np.arange(4), 50)
    first, second, other = (stratified_split(labels, 40, seed)[1] for seed in (1, 1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_rows_keep_their_stored_order() -> None:
    rest, part = stratified_split(np.tile(np.arange(3), 30), 20, seed=5)
    assert (np.diff(rest) > 0).all() and (np.diff(part) > 0).all()


def test_a_class_of_one_image_stays_in_the_rest() -> None:
    labels = np.array([0] * 20 + [1])
    for seed in range(20):
        rest, _ = stratified_split(labels, 10, seed)
        assert 20 in rest


@given(st.integers(2, 40), st.integers(2, 40), st.floats(0.1, 0.9), st.integers(0, 9))
def test_of_two_classes_none_is_missing_from_a_part_that_has_room(
    one: int, other: int, fraction: float, seed: int
) -> None:
    labels = np.repeat([0, 1], [one, other])
    count = round(fraction * len(labels))
    if 2 <= count <= len(labels) - 2:
        for part in stratified_split(labels, count, seed):
            assert len(np.unique(labels[part])) == 2


def test_a_part_that_would_empty_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match="leave a class without"):
        stratified_split(np.array([0, 1, 2]), 2, seed=0)

"""What a ReLU behind each addition leaves of a gradient, by simulated walks that are cut off at 0."""

import numpy as np
import pytest

from skiprun.claims.published.preactivation import let_through


@pytest.mark.parametrize("blocks", [0, 1, 17, 110])
def test_a_walk_that_is_cut_off_at_zero_stays_positive_as_often_as_expected(blocks: int) -> None:
    draws = np.random.default_rng(0)
    signal = np.zeros(100_000)
    for _ in range(2):  # the stem, and the first block of a stage
        signal = np.maximum(signal + draws.standard_normal(signal.size), 0)
    passes = np.ones(signal.size, dtype=bool)
    for _ in range(blocks):
        signal = signal + draws.standard_normal(signal.size)
        passes &= signal > 0
        signal = np.maximum(signal, 0)
    assert np.sqrt(passes.mean()) == pytest.approx(let_through(blocks), abs=0.005)

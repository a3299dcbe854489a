"""When a comparison has seen enough, and that its sentences claim no more than the boundary carries."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from skiprun.claims.decision import judge as decide
from skiprun.claims.verdict import Verdict, judge
from skiprun.results import sequential
from skiprun.results.sequential import FIRST_LOOK, InterimLook
from tests.support.null_worlds import NOISES, network, plain_networks

NOISE = np.array([[0.1, -0.3, 0.2, 0.05, -0.1], [0.0, 0.2, -0.1, 0.3, -0.2]])


def verdict_of(shift: float, look: InterimLook | None, same_within: float | None = None) -> Verdict:
    shifts = np.array([[0.0], [shift]])
    return judge(plain_networks(NOISE + shifts), (), (), same_within, look)


def test_what_is_beyond_the_boundary_is_decided() -> None:
    decision = verdict_of(6.0, InterimLook(5, 10)).decision
    assert decision.answer and decision.headline == ("Decided", "yes, after 5 of at most 10 seeds")


def test_what_a_single_test_would_find_may_not_be_enough_for_a_look() -> None:
    """Five seeds have p = .03, where the boundary asks for p < .0064."""
    shift = 0.48
    fixed, look = verdict_of(shift, None), verdict_of(shift, InterimLook(5, 10))
    assert fixed.ranking.evidence and fixed.ranking.evidence.rivals[0].beyond_noise
    assert look.ranking.evidence and not look.ranking.evidence.rivals[0].beyond_noise
    assert fixed.decision.evidence is None and look.decision.answer is False


def test_every_sentence_that_tests_says_that_it_counts_looks() -> None:
    """Also those of claims that had no say in when to stop."""
    words = "by a boundary for up to 8 looks"
    tested = [
        each
        for each in verdict_of(6.0, InterimLook(5, 10)).sentences
        if "Degradation" in each or "Best" in each
    ]
    assert len(tested) == 2 and all(words in each for each in tested)
    assert not any("look" in each for each in verdict_of(6.0, None).sentences)


def test_the_last_look_saves_nothing() -> None:
    assert verdict_of(6.0, InterimLook(5, 5)).decision.sentences == (
        "Decided after 5 of at most 5 seeds, the last look.",
    )


def test_equivalent_networks_are_decided_by_the_margin() -> None:
    assert not verdict_of(0.0, InterimLook(5, 10)).decision.answer
    decided = verdict_of(0.0, InterimLook(5, 10), same_within=2.0)
    assert decided.decision.answer and "EQUIVALENT" in " ".join(decided.sentences)


def test_networks_that_cannot_be_ranked_end_it() -> None:
    groups = [network("one", "add", 20, test_error=NOISE[0]), network("two", "add", 20, test_error=NOISE[1])]
    decision = judge(groups, (), ("Other data.",), None, InterimLook(3, 10)).decision
    assert decision.answer is False and decision.evidence and decision.evidence.is_last
    assert decision.sentences[0].startswith(
        "Stopped after 3 of at most 10 seeds: the networks cannot be ranked"
    )
    assert decide(None, (), None, ()).evidence is None


def interpolated(most: int) -> Callable[[float, int], float]:
    """Return the p value of looks as a curve through 150 of them, since a draw asks for dozens."""
    grid = np.geomspace(1e-7, 1, 150)
    counted = np.log([sequential._crossed(float(p), most) for p in grid])
    return lambda last, _: float(np.exp(np.interp(np.log(max(last, 1e-30)), np.log(grid), counted)))


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "k"), [("normal", 2), ("normal", 3), ("heavy", 2), ("failing", 3)])
def test_no_sentence_is_often_false_when_seeds_are_added(
    noise: str, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal networks, to where their comparison stops; more than this comes once in 10,000 at 5 %."""
    draws, most = 1000, 10
    monkeypatch.setattr(sequential, "_crossed", interpolated(most))
    chance = np.random.default_rng(zlib.crc32(f"{noise} {k}".encode()))
    false = dict.fromkeys(("^Degradation was seen:", "Behind it beyond the noise"), 0)
    for _ in range(draws):
        values = NOISES[noise](chance, k, most)
        for seeds in range(FIRST_LOOK, most + 1):
            found = judge(plain_networks(values[:, :seeds]), (), (), None, InterimLook(seeds, most))
            if found.decision.evidence and found.decision.evidence.is_last:
                break
        for pattern in false:
            false[pattern] += any(re.search(pattern, sentence) for sentence in found.sentences)
    assert max(false.values()) <= binom.isf(1e-4, draws, 0.05), false
    assert noise != "normal" or false["Behind it beyond the noise"] >= binom.isf(1 - 1e-4, draws, 0.02)

"""The verdict of a comparison, as sentences and as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from skiprun.claims import wording
from skiprun.claims.cure import Cure, find_cures
from skiprun.claims.degradation import Pair, find_pairs
from skiprun.claims.ranking import Ranking, rank
from skiprun.claims.skip_benefit import Place, SkipBenefit, find_places, find_worth
from skiprun.results.groups import Group
from skiprun.results.records import RunRecord
from skiprun.results.statistics import Difference


@dataclass(frozen=True)
class Verdict:
    """What was seen.

    Attributes:
        degradation: whether a deeper plain network ended with the higher training loss; None if that cannot be judged.
        cured: whether a connection closed the gap; None if there was none, or no network to judge it by.
        tested: whether the seeds allow any test; if not, nothing of this is more than what one seed shows.
        pairs, cures, worth, places, ranking: the comparisons behind it.
        sentences: all of it in plain words.
    """

    degradation: bool | None
    cured: bool | None
    tested: bool
    pairs: tuple[Pair, ...]
    cures: tuple[Cure, ...]
    worth: tuple[SkipBenefit, ...]
    places: tuple[Place, ...]
    ranking: Ranking | None
    sentences: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return asdict(self)


def judge(groups: Sequence[Group], asides: Sequence[RunRecord], apart: Sequence[str]) -> Verdict:
    """Judge degradation and cure, the worth of skips in segmentation, and the ranking unless scores are apart."""
    classifying = [group for group in groups if group.task != "segmentation"]
    pairs = find_pairs(classifying)
    cures = find_cures(classifying, pairs)
    worth, places = find_worth(groups), find_places(groups)
    ranking = None if apart else rank(groups)
    rivals = ranking.rivals if ranking else []
    compared: list[Pair | Cure | Difference] = [
        *pairs,
        *cures,
        *(each.gain for each in worth),
        *(rival.behind for rival in rivals),
    ]
    sentences = (
        *wording.of_degradation(classifying, asides, pairs),
        *wording.of_cures(pairs, cures),
        *wording.of_worth(groups, worth),
        *wording.of_places(places),
        *wording.of_ranking(ranking),
        *wording.of_diverged(groups, asides),
        *wording.of_seeds(compared),
    )
    return Verdict(
        degradation=_any(pair.degradation for pair in pairs),
        cured=_any(cure.cured for cure in cures),
        tested=any(each.tested for each in compared),
        pairs=tuple(pairs),
        cures=tuple(cures),
        worth=tuple(worth),
        places=tuple(places),
        ranking=ranking,
        sentences=sentences,
    )


def _any(answers: Any) -> bool | None:
    """Return True if one is, False if all are False, None if it is open or nothing was asked."""
    found = list(answers)
    return True if True in found else None if None in found or not found else False

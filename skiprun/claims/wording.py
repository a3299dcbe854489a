"""The wording of verdicts: effect, size, number of seeds, and what is missing to say more.

A sentence asserts what a test over the seeds carries. What cannot be tested is said to be untested, never to be level.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from skiprun.claims.cure import Cure
from skiprun.claims.degradation import FITTED, Pair, is_plain
from skiprun.claims.ranking import Ranking, Rival
from skiprun.claims.skip_benefit import Place, SkipBenefit
from skiprun.results.groups import Group, home
from skiprun.results.numbers import score, significant, unit
from skiprun.results.records import RunRecord
from skiprun.results.statistics import ONE_SEED, POWER, Difference, chance, trust

SEEN = {True: "Degradation was seen", False: "Degradation was not seen", None: "Degradation is undecided"}
CURED = {True: "Cured by", False: "Not cured by", None: "Undecided, whether it is cured by"}
DETECTABLE = f"Detectable: what would be found in {100 * POWER:.0f} % of such comparisons."


def _answer(decided: bool | None, seen: bool, tested: bool) -> bool | None:
    """Return what a test decided, or what is seen where there is none."""
    return decided if tested else seen


def _untested(tested: bool, n: int) -> str:
    """Say that nothing was tested, where that is so."""
    seeds = {0: " in seeds that differ", 1: " in one seed"}.get(n, " alike in every seed")
    return "" if tested else f"{seeds}, untested"


def _aside(*parts: str) -> str:
    """Return what stands in parentheses; that one seed is no test is said once, at the end."""
    shown = "; ".join(part for part in parts if part not in ("", ONE_SEED))
    return f" ({shown})" if shown else ""


def of_degradation(groups: Sequence[Group], asides: Sequence[RunRecord], pairs: Sequence[Pair]) -> list[str]:
    """Say of each deeper plain network how it compares with the shallowest, or what is missing."""
    if pairs:
        return [_of_pair(pair) for pair in pairs if pair.shallow == pairs[0].shallow]
    if not any(group.connection != "-" for group in groups):
        return []
    waiting = [aside.run.name for aside in asides if _is_plain_name(aside.text("model.name"))]
    wait = f" Not finished or not readable: {', '.join(waiting)}." if waiting else ""
    return [f"Degradation cannot be judged: {_missing_control(groups)}.{wait}"]


def _is_plain_name(name: str) -> bool:
    return name.startswith("plain")


def _missing_control(groups: Sequence[Group]) -> str:
    """Say which plain network is missing."""
    plain = [group for group in groups if is_plain(group)]
    if not plain:
        return "no finished run is a plain network (connection none); add two depths, such as plain20 and plain56"
    if len(plain) == 1:
        other, example = ("shallower", "plain20") if plain[0].layers > 20 else ("deeper", "plain56")
        return f"{plain[0].label} is the only finished plain network; add a {other} one, such as {example}"
    return "no two finished plain networks of one family, on the same data, differ in depth"


def _of_pair(pair: Pair) -> str:
    """Say how the final training losses of a shallow and a deep plain network compare."""
    higher, n = sum(seed["higher"] for seed in pair.by_seed), len(pair.by_seed)
    answer = SEEN[_answer(pair.degradation, pair.seen, pair.tested)] + _untested(pair.tested, n)
    seeds = {0: ", no seed in common", 1: ""}.get(n, f", higher in {higher} of {n} seeds")
    by_heart = " Both have learned the training split by heart." if max(pair.loss) < FITTED else ""
    bounds = ""
    if not math.isnan(pair.low):
        bounds = f"95 % interval of the ratio {significant(pair.low)} to {significant(pair.high)}, "
    undecided = pair.tested and pair.degradation is None
    missed = f"detectable: {significant(pair.detectable, 2)} times" if undecided else ""
    explained = f" {DETECTABLE}" if undecided else ""
    return (
        f"{answer}: {pair.deep} ends at {significant(pair.ratio)} times the training loss of "
        f"{pair.shallow} (means {significant(pair.loss[1])} against {significant(pair.loss[0])}){seeds}; training "
        f"error {score(pair.error[1], 'error')} % against {score(pair.error[0], 'error')} %"
        f"{_aside(bounds + pair.noise, missed)}.{explained}{by_heart}{_uncontrolled(pair.also_differ)}"
    )


def _uncontrolled(keys: Sequence[str]) -> str:
    return f" This is no controlled experiment: {', '.join(keys)} differs too." if keys else ""


def of_cures(pairs: Sequence[Pair], cures: Sequence[Cure]) -> list[str]:
    """Say of each network with a connection whether it closes the gap, or what is missing."""
    if cures:
        return [_of_cure(cure) for cure in cures]
    deep = [pair.deep for pair in pairs if pair.asks_for_cure]
    if not deep:
        return []
    twin = re.search(r"plain(\d+)", deep[-1])
    example = f"resnet{twin[1]}" if twin else "its residual twin"
    return [
        "Whether skips cure it cannot be judged: no finished network with a connection has the depth and family of "
        f"{deep[-1]}; add one, such as {example}."
    ]


def _of_cure(cure: Cure) -> str:
    """Say how much of the gap a connection closes."""
    done, n = sum(seed["cured"] for seed in cure.by_seed), len(cure.by_seed)
    answer = CURED[_answer(cure.cured, cure.seen, cure.tested)]
    seeds = f" ({done} of {n} seeds)" if cure.tested else _untested(cure.tested, n)
    beyond = f"{100 * cure.closed:.1f} % of it" if cure.closed > 1 else ""
    error = f"training error {score(cure.error, 'error')} %"
    share = "does not narrow" if cure.closed <= 0 else f"closes {'all' if beyond else f'{100 * cure.closed:.1f} %'} of"
    return (
        f"{answer} '{cure.connection}'{seeds}: {cure.network} ends at a training loss of {significant(cure.loss)} and "
        f"{share} the gap between {cure.deep} and {cure.shallow}"
        f"{_aside(beyond, error, cure.noise)}.{_uncontrolled(cure.also_differ)}"
    )


def of_worth(groups: Sequence[Group], worth: Sequence[SkipBenefit]) -> list[str]:
    """Say what the skips add to each segmentation score, or that the control is missing."""
    with_skips = [g.label for g in groups if g.task == "segmentation" and g.connection not in ("none", "-")]
    if with_skips and not worth:
        return [
            f"What the skips of {', '.join(with_skips)} are worth cannot be judged: no finished run of the same family "
            "and data has connection none; add one (--set model.connection=none)."
        ]
    return [_of_worth(each) for each in worth]


def _of_worth(worth: SkipBenefit) -> str:
    """Say one score with and without skips."""
    name, gain = worth.score, worth.gain
    bounds = missed = ""
    if gain.tested:
        bounds = f"95 % interval {_signed(gain.low, name)} to {_signed(gain.high, name)}, "
    worths = f"{_signed(gain.mean, name)}{_untested(gain.tested, gain.n)}"
    if worth.beyond_noise is False:
        worths, missed = f"nothing that these seeds show ({worths})", f"detectable: {score(gain.detectable, name)}"
    return (
        f"In test {name} the skips ('{worth.connection}') are worth {worths}: {worth.network} "
        f"{score(worth.value, name)} against {score(worth.without, name)} of {worth.control} without them"
        f"{_aside(bounds + trust(gain, worth.p), missed)}.{_uncontrolled(worth.also_differ)}"
    )


def of_places(places: Sequence[Place]) -> list[str]:
    """Say of each network with skips whether its control loses more of the boundary or of the overlap."""
    return [_of_place(place) for place in places if place.beyond_noise is not False]


def _of_place(place: Place) -> str:
    """Say what share of overlap and of boundary goes with the skips."""
    where = "mostly at the boundaries" if place.at_boundary else "in the overlap rather than at the boundaries"
    untested = "" if place.beyond_noise else ", untested"
    return (
        f"The skips of {place.network} matter {where}{untested}: without them {place.control} loses "
        f"{100 * place.boundary:.0f} % of the boundary score and {100 * place.overlap:.0f} % of the iou."
    )


def _signed(value: float, name: str) -> str:
    """Return a difference of scores with its sign."""
    return f"{'+' if value >= 0 else '-'}{score(abs(value), name)}"


def of_ranking(ranking: Ranking | None) -> list[str]:
    """Say which network is best on the test split if one is, and which others are behind by more than noise."""
    if ranking is None:
        return []
    parts = [_of_first(ranking)]
    it, behind = "them" if len(ranking.first) > 1 else "it", [each for each in ranking.rivals if not each.is_level]
    kinds = {
        True: f"Behind {it} beyond the noise (95 %, Holm's correction over all pairs)",
        False: f"Not told apart from {it}",
    }
    for beyond, words in kinds.items():
        if rivals := [rival for rival in behind if rival.beyond_noise is beyond]:
            parts.append(f"{words}: {', '.join(_of_rival(rival, ranking.score) for rival in rivals)}.")
            parts += [DETECTABLE] * (not beyond)
    if rivals := [rival for rival in behind if rival.beyond_noise is None]:
        parts.append(_of_untested(rivals, ranking.score, it))
    if not math.isnan(ranking.step):
        parts.append(f"One test image is {significant(ranking.step, 2)} points.")
    return [" ".join(parts)]


def _of_first(ranking: Ranking) -> str:
    """Say which network has the best mean, and whether that makes it the best."""
    runs = f"mean of {ranking.n} seeds" if ranking.n > 1 else "one seed"
    untested = "" if ranking.tested else ", untested"
    value = f"{score(ranking.value, ranking.score)}{unit(ranking.score)} ({runs}{untested})"
    if len(ranking.first) > 1:
        return f"Tied for the best test {ranking.score}: {' and '.join(ranking.first)}, each with {value}."
    if ranking.best is None:
        return f"No single best in test {ranking.score}: {ranking.first[0]} comes first with {value}."
    return f"Best test {ranking.score}: {ranking.best} with {value}."


def _of_rival(rival: Rival, name: str) -> str:
    tested = f", {chance(rival.p)}" if rival.behind.tested else ""
    missed = f", detectable {score(rival.behind.detectable, name)}" if rival.beyond_noise is False else ""
    points = " points" if name == "error" else ""
    return f"{rival.network} ({_signed(rival.behind.mean, name)}{points}{tested}{missed})"


def _of_untested(rivals: Sequence[Rival], name: str, it: str) -> str:
    """List the networks of which no claim can be made, and why."""
    listed = ", ".join(_of_rival(rival, name) for rival in rivals)
    fewest = min(rivals, key=lambda rival: rival.behind.n).behind
    return f"Behind {it}, untested: {listed}{_aside(fewest.noise)}."


def of_seeds(untested: Iterable[Difference | Pair | Cure]) -> list[str]:
    """Say once what one seed cannot show."""
    return [f"{ONE_SEED}; --seeds 3 tests it."] if any(each.noise == ONE_SEED for each in untested) else []


def of_diverged(groups: Sequence[Group], asides: Sequence[RunRecord]) -> list[str]:
    """Say which networks lost runs to divergence, and what that means for their numbers."""
    lost = Counter(home(aside.path) for aside in asides if aside.state == "diverged")
    finished = {home(group.first.path): group for group in groups}
    return [_of_lost(place, number, finished.get(place)) for place, number in lost.items()]


def _of_lost(place: Path, diverged: int, rest: Group | None) -> str:
    if rest:
        return (
            f"{diverged} of {diverged + len(rest.runs)} runs of {rest.label} diverged; its numbers are of those that "
            "did not, and flatter it."
        )
    return (
        f"{place.name} diverged in every run, so it has no final training loss. Failing to converge is another "
        "fault than degradation (He et al. 2015, section 1): try a lower optim.lr, a longer schedule.warmup or "
        "optim.clip_norm."
    )

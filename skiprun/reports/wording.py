"""The sentences of a verdict: what was seen, by how much, in how many seeds, and what is missing to say more."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from skiprun.reports.degradation import FITTED, Cure, Pair, is_plain
from skiprun.reports.group import Group, home
from skiprun.reports.numbers import score, significant, unit
from skiprun.reports.ranking import Ranking, Rival
from skiprun.reports.reading import Reading
from skiprun.reports.statistics import ONE_SEED, chance
from skiprun.reports.worth import Worth

SEEN = {True: "Degradation was seen", False: "Degradation was not seen", None: "Degradation is undecided"}
CURED = {True: "Cured by", False: "Not cured by", None: "Undecided, whether it is cured by"}


def of_degradation(groups: Sequence[Group], asides: Sequence[Reading], pairs: Sequence[Pair]) -> list[str]:
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
    higher = sum(seed["higher"] for seed in pair.by_seed)
    seeds = f"higher in {higher} of {len(pair.by_seed)} seeds" if pair.by_seed else "no seed in common"
    by_heart = " Both have learned the training split by heart." if max(pair.loss) < FITTED else ""
    bounds = ""
    if not math.isnan(pair.low):
        bounds = f"95 % interval of the ratio {significant(pair.low)} to {significant(pair.high)}, "
    return (
        f"{SEEN[pair.degradation]}: {pair.deep} ends at {significant(pair.ratio)} times the training loss of "
        f"{pair.shallow} (means {significant(pair.loss[1])} against {significant(pair.loss[0])}), {seeds}; training "
        f"error {score(pair.error[1], 'error')} % against {score(pair.error[0], 'error')} % ({bounds}{pair.noise})."
        f"{by_heart}{_uncontrolled(pair.also_differ)}"
    )


def _uncontrolled(keys: Sequence[str]) -> str:
    return f" This is no controlled experiment: {', '.join(keys)} differs too." if keys else ""


def of_cures(pairs: Sequence[Pair], cures: Sequence[Cure]) -> list[str]:
    """Say of each network with a connection whether it closes the gap, or what is missing."""
    if cures:
        return [_of_cure(cure) for cure in cures]
    deep = [pair.deep for pair in pairs if pair.degradation]
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
    done = sum(seed["cured"] for seed in cure.by_seed)
    seeds = f" ({done} of {len(cure.by_seed)} seeds)" if cure.by_seed else ""
    share = "does not narrow" if cure.closed <= 0 else f"closes {min(100, 100 * cure.closed):.1f} % of"
    return (
        f"{CURED[cure.cured]} '{cure.connection}'{seeds}: {cure.network} ends at a training loss of "
        f"{significant(cure.loss)} and {share} the gap between {cure.deep} and {cure.shallow} (training error "
        f"{score(cure.error, 'error')} %).{_uncontrolled(cure.also_differ)}"
    )


def of_worth(groups: Sequence[Group], worth: Sequence[Worth]) -> list[str]:
    """Say what the skips add to each segmentation score, or that the control is missing."""
    with_skips = [g.label for g in groups if g.task == "segmentation" and g.connection not in ("none", "-")]
    if with_skips and not worth:
        return [
            f"What the skips of {', '.join(with_skips)} are worth cannot be judged: no finished run of the same family "
            "and data has connection none; add one (--set model.connection=none)."
        ]
    return [*(_of_worth(each) for each in worth), *_where(worth)]


def _where(worth: Sequence[Worth]) -> list[str]:
    """Say of each network with skips whether the control loses more of the boundary or of the overlap."""
    pairs: dict[tuple[str, str], dict[str, Worth]] = {}
    for each in worth:
        pairs.setdefault((each.network, each.control), {})[each.score] = each
    return [
        _of_place(scores["iou"], scores["boundary"])
        for scores in pairs.values()
        if {"iou", "boundary"} <= scores.keys() and scores["iou"].gain.mean > 0
    ]


def _of_place(overlap: Worth, boundary: Worth) -> str:
    """Say what share of overlap and of boundary goes with the skips."""
    lost = [100 * each.gain.mean / each.value for each in (overlap, boundary)]
    where = "mostly at the boundaries" if lost[1] > lost[0] else "in the overlap rather than at the boundaries"
    return (
        f"The skips of {overlap.network} matter {where}: without them {overlap.control} loses {lost[1]:.0f} % of the "
        f"boundary score and {lost[0]:.0f} % of the iou."
    )


def _of_worth(worth: Worth) -> str:
    """Say one score with and without skips."""
    name, gain = worth.score, worth.gain
    bounds = ""
    if not math.isnan(gain.low):
        bounds = f"95 % interval {_signed(gain.low, name)} to {_signed(gain.high, name)}, "
    return (
        f"In test {name} the skips ('{worth.connection}') are worth {_signed(gain.mean, name)}: {worth.network} "
        f"{score(worth.value, name)} against {score(worth.without, name)} of {worth.control} without them "
        f"({bounds}{gain.noise}).{_uncontrolled(worth.also_differ)}"
    )


def _signed(value: float, name: str) -> str:
    """Return a difference of scores with its sign."""
    return f"{'+' if value >= 0 else '-'}{score(abs(value), name)}"


def of_ranking(ranking: Ranking | None) -> list[str]:
    """Say which network is best on the test split, and which others are behind by more than noise."""
    if ranking is None:
        return []
    runs = f"mean of {ranking.n} seeds" if ranking.n > 1 else "one seed"
    value = f"{score(ranking.value, ranking.score)}{unit(ranking.score)}"
    best = f"Best test {ranking.score}: {ranking.best} with {value} ({runs})."
    kinds = {
        True: "Behind it beyond the noise (95 %, Holm's correction)",
        False: "Not told apart from it",
    }
    parts = [best]
    for beyond, words in kinds.items():
        if rivals := [rival for rival in ranking.rivals if rival.beyond_noise is beyond]:
            parts.append(f"{words}: {', '.join(_of_rival(rival, ranking.score) for rival in rivals)}.")
    if rivals := [rival for rival in ranking.rivals if rival.beyond_noise is None]:
        parts.append(f"{_of_untested(rivals, ranking.score)}")
    if not math.isnan(ranking.step):
        parts.append(f"One test picture is {significant(ranking.step, 2)} points.")
    return [" ".join(parts)]


def _of_rival(rival: Rival, name: str) -> str:
    tested = "" if math.isnan(rival.p) else f", {chance(rival.p)}"
    points = " points" if name == "error" else ""
    return f"{rival.network} ({_signed(rival.behind.mean, name)}{points}{tested})"


def _of_untested(rivals: Sequence[Rival], name: str) -> str:
    """List the networks of which no claim can be made, and why."""
    listed = ", ".join(_of_rival(rival, name) for rival in rivals)
    why = ONE_SEED if any(rival.behind.n < 2 for rival in rivals) else rivals[0].behind.noise
    return f"Behind it, untested: {listed} ({why})."


def of_diverged(groups: Sequence[Group], asides: Sequence[Reading]) -> list[str]:
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

"""Claim: what skip connections gain where a network trains without them too; scores with and without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from skiprun.claims.evidence import detectable, explain, in_parentheses, signed, uncontrolled, untested
from skiprun.claims.finding import Finding
from skiprun.results.groups import Group
from skiprun.results.multiple_tests import holm
from skiprun.results.numbers import format_score
from skiprun.results.protocol import MODEL, other_differences
from skiprun.results.significance import Difference, difference, exceeds_noise
from skiprun.results.summary_keys import value_range


@dataclass(frozen=True)
class SkipBenefit:
    """One test score of a network with a connection, and of the control without.

    Attributes:
        gain: with minus without.
        p: that there is none, corrected for the number of scores and networks.
        beyond_noise: whether there is one; None where that cannot be tested.
    """

    network: str
    connection: str
    control: str
    score: str
    value: float
    without: float
    gain: Difference
    p: float
    beyond_noise: bool | None
    also_differ: list[str]

    @property
    def sentence(self) -> str:
        """Say one score with and without skips."""
        name, gain = self.score, self.gain
        bounds = missed = ""
        if gain.tested:
            bounds = f"95 % interval {signed(gain.low, name)} to {signed(gain.high, name)}, "
        worth = f"{signed(gain.mean, name)}{untested(gain.tested, gain.n)}"
        if self.beyond_noise is False:
            worth, missed = f"nothing that these seeds show ({worth})", detectable(gain, name)
        return (
            f"In test {name} the skips ('{self.connection}') are worth {worth}: {self.network} "
            f"{format_score(self.value, name)} against {format_score(self.without, name)} of {self.control} "
            f"without them"
            f"{in_parentheses(bounds + explain(gain, self.p), missed)}.{uncontrolled(self.also_differ)}"
        )


def judge(groups: Sequence[Group], most: int | None = None) -> Finding[tuple[SkipBenefit, ...]]:
    """Compare each segmentation network that has a connection with its family's control, in every score.

    Args:
        groups: of finished runs.
        most: seeds at the last of several looks; None: their number was fixed.
    """
    cases = [
        (group, control, name)
        for group, control in with_controls(groups)
        for name in group.test_scores
        if name in control.test_scores
    ]
    gains = tuple(_gain(*case, tests=len(cases), most=most) for case in cases)
    corrected = holm([gain.p for gain in gains])
    benefits = tuple(_benefit(*case, gain, p) for case, gain, p in zip(cases, gains, corrected, strict=True))
    return Finding(
        benefits, tuple(benefit.sentence for benefit in benefits) or _missing_control(groups), tests=gains
    )


def with_controls(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Return each segmentation network that has a connection beside each control of its family and data."""
    segmenting = [group for group in groups if group.task == "segmentation"]
    return [
        (group, control)
        for group in segmenting
        for control in segmenting
        if group.connection not in ("none", "-") and control.connection == "none"
        if (group.family, group.data) == (control.family, control.data)
    ]


def _gain(group: Group, control: Group, name: str, tests: int, most: int | None) -> Difference:
    key = f"test.{name}"
    return difference(
        group.by_seed(key), control.by_seed(key), value_range(key)[1], tests, most, group.overlap
    )


def _benefit(group: Group, control: Group, name: str, gain: Difference, p: float) -> SkipBenefit:
    return SkipBenefit(
        network=group.label,
        connection=group.connection,
        control=control.label,
        score=name,
        value=group.mean(f"test.{name}"),
        without=control.mean(f"test.{name}"),
        gain=gain,
        p=p,
        beyond_noise=exceeds_noise(p),
        also_differ=other_differences(group, control, MODEL),
    )


def _missing_control(groups: Sequence[Group]) -> tuple[str, ...]:
    """Say that the control is missing, if a network with skips asks for one."""
    with_skips = [g.label for g in groups if g.task == "segmentation" and g.connection not in ("none", "-")]
    if not with_skips:
        return ()
    return (
        f"What the skips of {', '.join(with_skips)} are worth cannot be judged: no finished run of the same "
        "family and data has connection none; add one (--set model.connection=none).",
    )

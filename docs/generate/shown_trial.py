"""The tables of a trial: what was measured and counted of each network, by rows and by columns."""

from __future__ import annotations

from collections.abc import Sequence

from docs.generate.markdown import table
from docs.generate.measured import TrialResult, refuse_unmeasured
from docs.generate.trials import Trial
from skiprun.models import Cost
from skiprun.results.numbers import format_spread
from skiprun.results.statistics import sample_of

HEADINGS = {"error": "test error (%)", "iou": "test IoU"}
POINTS = {"error": -1.0, "iou": 100.0}  # what one more of a score is worth


class ShownTrial:
    """A trial with what was found, as text for tables."""

    def __init__(self, trial: Trial, found: TrialResult) -> None:
        self.trial, self.found = trial, found
        refuse_unmeasured(trial.arms, found["scores"], "connections")
        self.samples = {arm: sample_of(found["scores"][arm]) for arm in trial.arms}
        self.worth = POINTS[trial.metric]
        usual = trial.cost("add")
        self.texts = {arm: self._texts(arm, usual) for arm in trial.arms}

    def _texts(self, arm: str, usual: Cost) -> dict[str, str]:
        """Return gain and cost of one arm, by what they are called."""
        own, cost = self.samples[arm], self.trial.cost(arm)
        gain = self.worth * (own.mean - self.samples["none"].mean)
        return {
            HEADINGS[self.trial.metric]: format_spread(own, self.trial.metric),
            "gain over `none` (points)": "" if arm == "none" else f"{gain:+.1f}",
            "parameters": added(arm, cost.parameters, usual.parameters),
            "multiply-adds": added(arm, cost.macs, usual.macs),
            "time of a step": f"{self.found['step'][arm]:.2f}",
        }

    @property
    def overview(self) -> str:
        """All arms, an arm a row, the best first."""
        best_first = sorted(self.texts, key=lambda arm: -self.worth * self.samples[arm].mean)
        links = {arm: f"[`{arm}`](#{arm.split(',')[0]})" for arm in best_first}
        rows = [[link, *self.texts[arm].values()] for arm, link in links.items()]
        return table(["connection", *self.texts["add"]], rows)

    def columns(self, arms: Sequence[str]) -> str:
        """Return the table of some arms, an arm a column."""
        rows = [[name, *(self.texts[arm][name] for arm in arms)] for name in self.texts["add"]]
        corner = f"{self.trial.data}, `{self.trial.network}`"
        return table([corner, *(f"`{arm}`" for arm in arms)], rows)


def added(arm: str, count: int, usual: int) -> str:
    """Return by how much a count is larger than that with `add`; of `add` itself, the count."""
    if arm == "add":
        return f"{count:,}"
    return "same" if count == usual else f"{count - usual:+,} ({100 * (count / usual - 1):+.2g} %)"

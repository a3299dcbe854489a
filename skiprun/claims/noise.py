"""Read runs in which one source of randomness varies, and say how much of the spread each source gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from skiprun.claims import noise_sources
from skiprun.claims.comparison import unfinished_to_dict
from skiprun.claims.finding import Finding
from skiprun.claims.noise_sources import SourceRatios
from skiprun.errors import InputError
from skiprun.results.fairness import group_differences
from skiprun.results.grouping import group_by_experiment
from skiprun.results.groups import Group
from skiprun.results.numbers import significant
from skiprun.results.protocol import is_any
from skiprun.results.records import RunRecord, read
from skiprun.results.variance_components import VarianceComponents, split_variance
from skiprun.run import Run

ALL = "all"  # what the runs are called in which every source varies
LOSS = "test.loss"
SAME_BITS = (
    "With nothing varied a CPU trains the same bits again, with as many threads: that spread is 0, and was "
    "not measured."
)
SAME_CARD = (
    "On a GPU a run that is made again may differ in its last bits, unless compute.deterministic is true; "
    "that is in every part, and was not measured by itself."
)
MEANING = (
    "The part of a source is the spread that it gives while all others are held, averaged over as many "
    "settings of the others as there are seeds: half the mean square of what another seed of it changes "
    "(Jansen 1999). No part is larger than the total but by chance, and parts of sources that interact add "
    "up to more. Intervals are those of normal scores (chi square)."
)


@dataclass(frozen=True)
class Noise:
    """How much of the spread of a network each source gives.

    Attributes:
        label: of the network.
        components: by number of the summaries, the score by which networks are compared first.
        idle: sources that decide nothing, each with the reason.
        unfinished: runs that have no score.
        finding: what is said of the score.
        remarks: what else a reader must know.
        folder: where the runs are, and what is written of them.
    """

    label: str
    groups: Mapping[str, Group]
    components: Mapping[str, VarianceComponents]
    idle: Mapping[str, str]
    unfinished: tuple[RunRecord, ...]
    finding: Finding[SourceRatios]
    remarks: tuple[str, ...]
    folder: Path

    @property
    def score_name(self) -> str:
        """The name of the score: 'error' or 'iou'."""
        return next(iter(self.components)).removeprefix("test.")

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain data, for JSON."""
        return {
            "name": self.label,
            "score": self.score_name,
            "components": {key: _components_to_dict(found) for key, found in self.components.items()},
            "sources_compared": asdict(self.finding.evidence),
            "idle": dict(self.idle),
            "sentences": list(self.finding.sentences),
            "remarks": list(self.remarks),
            "runs": {arm: [str(run.path) for run in group.runs] for arm, group in self.groups.items()},
            "not_counted": [unfinished_to_dict(record) for record in self.unfinished],
        }


def _components_to_dict(found: VarianceComponents) -> dict[str, object]:
    """Return components as plain data, each variance with its standard deviation."""
    return {
        "total": asdict(found.total) | {"std": found.total.std._asdict()},
        "alone": {
            source: asdict(part) | {"std": part.std._asdict(), "share": part.variance / found.total.variance}
            for source, part in found.alone.items()
        },
        "interaction": found.interaction and found.interaction._asdict(),
        "differences": found.differences,
    }


def read_noise(
    label: str, runs: Sequence[Run], idle: Mapping[str, str], complete: bool, folder: Path
) -> Noise:
    """Read runs and judge them; an unfinished or damaged one is named and left out.

    Args:
        label: what the network is called.
        runs: in directories that are called by what varies in them: a source, or `ALL`.
        idle: sources that decide nothing, each with the reason.
        complete: whether all other sources are among them.
        folder: where they are.
    """
    records = [read(run) for run in runs]
    unfinished = tuple(record for record in records if not record.finished)
    groups = {
        group.label: group for group in group_by_experiment([each for each in records if each.finished])
    }
    if not groups:
        raise InputError(f"No run of {label} came to its end: {'; '.join(each.line for each in unfinished)}.")
    score = next(iter(groups.values())).test_score
    components = {key: _components(groups, key, complete) for key in (score, LOSS)}
    finding = noise_sources.judge(components[score], score.removeprefix("test."))
    remarks = (*_idle(idle), *_said_of_runs(groups), *(f"Not counted: {each.line}" for each in unfinished))
    return Noise(label, groups, components, idle, unfinished, finding, remarks, folder)


def _components(groups: Mapping[str, Group], key: str, complete: bool) -> VarianceComponents:
    """Return the variances of a number of the summaries."""
    scores = {arm: group.by_seed(key) for arm, group in groups.items()}
    return split_variance(scores.pop(ALL, {}), scores, complete)


def _idle(idle: Mapping[str, str]) -> list[str]:
    """Say which sources were not varied, and why."""
    return [f"Not varied: {source}, as {reason}." for source, reason in idle.items()]


def _said_of_runs(groups: Mapping[str, Group]) -> list[str]:
    """Say what a number has from the test split, from the device, and from runs that are not alike."""
    first = next(iter(groups.values())).first
    images, on_cpu = first.number("data.test"), first.text("device") == "cpu"
    said = [SAME_BITS if on_cpu else SAME_CARD]
    if first.text("data.score_name") == "error":
        said.append(f"One of the {images:g} test images is {significant(100 / images, 2)} points of error.")
    unlike = [key for key in group_differences([*groups.values()]) if not is_any(key, ("seeds.", "data"))]
    if len({run.text("threads") for group in groups.values() for run in group.runs}) > 1:
        unlike.append("threads")
    return said + [f"Caution: the runs differ in {', '.join(unlike)}, which spreads them too."] * bool(unlike)

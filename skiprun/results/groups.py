"""Group the finished runs of one experiment over its seeds."""

from __future__ import annotations

import functools
import math
import statistics
from dataclasses import dataclass

from skiprun.results.records import RunRecord
from skiprun.results.statistics import Sample, sample_of
from skiprun.results.summary_keys import RATIO, value_range


@dataclass(frozen=True)
class Group:
    """One network under one protocol; what all seeds share is read from the first."""

    label: str
    runs: tuple[RunRecord, ...]

    @property
    def first(self) -> RunRecord:
        """The run that stands for all where they agree."""
        return self.runs[0]

    @property
    def connection(self) -> str:
        """The name of the connection; 'none' for a plain network, '-' where it has no sites."""
        return self.first.text("model.connection")

    @property
    def family(self) -> str:
        """The family of the architecture, such as 'resnet_cifar'."""
        return self.first.text("model.family")

    @property
    def layers(self) -> float:
        """The number of weighted layers on the way through the branches; NaN if it was not recorded."""
        return self.first.number("model.layers")

    @property
    def task(self) -> str:
        """The task: 'classification' or 'segmentation'."""
        return self.first.text("data.task")

    @property
    def score_name(self) -> str:
        """The name of the score that chose the checkpoint: 'error' or 'iou'."""
        return self.first.text("data.score_name")

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher score is the better one."""
        return self.first.text("data.better") == "higher"

    @property
    def train_score(self) -> str:
        """The key of the score on train in the last epoch."""
        return f"final.train.{self.score_name}"

    @property
    def val_score(self) -> str:
        """The key of the score on val at the best checkpoint."""
        return f"best.val.{self.score_name}"

    @property
    def test_score(self) -> str:
        """The key of the score on test."""
        return f"test.{self.score_name}"

    @property
    def test_scores(self) -> list[str]:
        """Every score of the test split, the checkpoint's own first; no loss, no single class."""
        names = [key.removeprefix("test.") for key in self.first.summary if key.startswith("test.")]
        names = [name for name in names if "_class_" not in name]
        return sorted({*names} - {"loss"}, key=lambda name: (name != self.score_name, names.index(name)))

    @property
    def span(self) -> float:
        """The largest difference that two networks can have in the score."""
        return value_range(self.test_score)[1]

    @property
    def folds(self) -> int:
        """Into how many folds the images are divided, of which each seed tests one; 0: there are none."""
        return int(str(self.first.config.get("data.folds") or 0))

    @property
    def overlap(self) -> float:
        """Images tested over images trained on where runs are folds, else 0; see `results.estimate`."""
        return self.first.number("data.test") / self.first.number("data.train") if self.folds else 0.0

    @property
    def tested_images(self) -> float:
        """How many images the test scores are of: over all folds, each once."""
        runs = [run for run in self.runs if run.seed < self.folds] if self.folds else [self.first]
        return sum(run.number("data.test") for run in runs)

    @property
    def data(self) -> tuple[str, ...]:
        """What must be equal for scores to be comparable: dataset, contents and split.

        Each fold has a split of its own; which of them are the same is compared seed by seed.
        """
        name, task, score = (self.first.text(f"data.{key}") for key in ("name", "task", "score_name"))
        if self.folds:
            total = sum(self.first.number(f"data.{split}") for split in ("train", "val", "test"))
            return name, task, score, f"{self.folds} folds", f"{total:g}"
        keys = ("fingerprint", "train", "val", "test")
        return name, task, score, *(self.first.text(f"data.{key}") for key in keys)

    @functools.cached_property
    def _seeds(self) -> list[tuple[int, RunRecord]]:
        return [(run.seed, run) for run in self.runs]

    def by_seed(self, key: str) -> dict[int, float]:
        """Return one number of the summaries by seed, where it is finite."""
        values = {seed: run.number(key) for seed, run in self._seeds}
        return {seed: value for seed, value in values.items() if math.isfinite(value)}

    def mean(self, key: str) -> float:
        """Return the mean of one number of the summaries; NaN where no run has it."""
        values = self.by_seed(key).values()
        return statistics.fmean(values) if values else math.nan

    def sample(self, key: str) -> Sample:
        """Return mean and spread of one number of the summaries."""
        return sample_of(self.by_seed(key).values(), *value_range(key), self.overlap)

    @property
    def ratio(self) -> float:
        """Gradient norm of the first over the last layer: median over training, and of that over seeds."""
        ratios = self.by_seed(RATIO).values()
        return statistics.median(ratios) if ratios else math.nan

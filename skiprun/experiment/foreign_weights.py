"""A file of weights of another program, and what it does not say itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import build_config, key_of, options_behind, split_options
from skiprun.errors import InputError

Values = Sequence[float]
# No split is too small for training that never happens; evaluation looks at as many as is usual.
BATCH, MIN_BATCH, USUAL_BATCH = "data.batch_size", 2, 128
# What a score depends on, beside the keys of the data, and how it is computed.
SCORED = ("segmentation.loss", "segmentation.boundary_tolerance", "model.download_weights")
COMPUTED = ("compute.device", "compute.precision", "compute.threads", "compute.channels_last")
# What has an option of its own, or belongs to training alone.
ELSEWHERE = {
    "data.name": "--data says it",
    **dict.fromkeys(("data.augment", "data.border_weight"), "nothing is trained"),
    "model.name": "--model says it",
    "model.weights": "FILE says them",
    "model": "say it with --model, as --model resnet20:shortcut=A_both",
}
LEARNING = ("freeze", "feature_extract", "backbone_lr", "skip_schedule")  # of a model, for training alone


@dataclass(frozen=True)
class ForeignWeights:
    """A file of weights, and what it does not say itself.

    Attributes:
        file: a file of weights, a run, or the name of torchvision's weights.
        model: an architecture, with its options as in `resnet20:shortcut=A_both`.
        data: a dataset.
        root: its folder.
        mean: what the weights were trained with, a number a channel, white is 1; None: the training split's.
        std: likewise.
        overrides: `section.key=value`, as for a config.
    """

    file: Path | str
    model: str
    data: str
    root: Path | str | None = None
    mean: Values | None = None
    std: Values | None = None
    overrides: Sequence[str] = ()

    @property
    def config(self) -> RunConfig:
        """The config of an experiment that is not trained."""
        model, root = self.model, self.root
        plain = {
            "model": {"name": split_options(model)[0], "weights": str(self.file)},
            "data": {"name": self.data, "root": None if root is None else str(root), "batch_size": MIN_BATCH},
            "schedule": {"steps": 1},
            "compute": {"precision": "fp32"},
        }
        chosen = options_behind(model, f"--model {model}")
        for text in chosen:
            if key_of(text) in ("model.name", "model.weights", *(f"model.{key}" for key in LEARNING)):
                raise InputError(f"--model {model}: {text} is no option of a network; leave it out.")
        for text in self.overrides:
            refuse_unscored(text)
        return build_config(plain, [*chosen, *self.overrides], source="command line")


def refuse_unscored(override: str) -> None:
    """Raise InputError for a key that no score of given weights depends on, or that is an option."""
    key = key_of(override)
    section = key.split(".")[0]
    if section not in RunConfig.model_fields or key in (*SCORED, *COMPUTED):
        return  # what is no key at all is told where configs are checked
    why = next((words for name, words in ELSEWHERE.items() if f"{key}.".startswith(f"{name}.")), "")
    if section == "data" and key != section and not why:
        return
    allowed = f"keys of data, as data.image_size=32, and {', '.join((*SCORED, *COMPUTED))}"
    why = why or "no score depends on it"
    raise InputError(f"--set {override}: {why}; leave it out. Allowed: {allowed}.")

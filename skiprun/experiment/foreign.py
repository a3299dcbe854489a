"""Evaluate weights of another program, in a network and on a dataset of the registry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import build_config, key_of, options_behind
from skiprun.data import Loaders
from skiprun.errors import CheckpointError, InputError, OptionError, counted, some
from skiprun.experiment.parts import Parts, prepare
from skiprun.experiment.start_weights import with_weights_found
from skiprun.run import runs_folder
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback
from skiprun.training.placing import put_rebuilt

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
NORMALIZATION = (
    "Normalized as this training split is, mean {mean} and std {std}; if the weights were trained with other "
    "numbers, give --mean and --std."
)


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
            "model": {"name": model.partition(":")[0], "weights": str(self.file)},
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


@checked_arguments
def rebuild_file(
    weights: ForeignWeights, runs: Path | str | None = None, loading: ProgressCallback | None = None
) -> Parts:
    """Return a network with given weights on a dataset, for `score`; classes are in the dataset's order.

    Args:
        weights: the file, and what it does not say.
        runs: the folder of all runs; None: $SKIPRUN_RUNS, or runs/.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        CheckpointError: the weights are not those of the whole network, for this number of classes.
        InputError: something must be said that the weights do not tell.
    """
    config = with_weights_found(weights.config, Path(runs or runs_folder()))
    parts = prepare(config, loading)
    refuse_half_given(parts)
    if BATCH not in map(key_of, weights.overrides):
        config = config.replace(data=config.to_dict()["data"] | {"batch_size": USUAL_BATCH})
    loaders = with_normalization(parts.loaders, weights.mean, weights.std)
    used = {"mean": _with_commas(loaders.mean), "std": _with_commas(loaders.std)}
    guessed = [] if weights.mean and weights.std else [NORMALIZATION.format(**used)]
    network = put_rebuilt(parts.model, parts.setup.device, parts.config)
    return replace(parts, config=config, loaders=loaders, model=network, notes=(*parts.notes, *guessed))


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


def refuse_half_given(parts: Parts) -> None:
    """Refuse a network that is not given whole, or that the weights alone do not describe."""
    report, model, data = parts.weights, parts.config.model.name, parts.config.data.name
    assert report, "the config names weights"
    if report.fresh or report.unused:
        wrong = [f"{name} ({why})" for name, why in report.fresh.items()] or report.unused
        classes = counted(parts.loaders.num_classes, "class")
        raise CheckpointError(
            f"{report.source}: not the whole of {model} for the {classes} of {data}: "
            f"{some(wrong)}. What would be drawn or left out is not scored."
        )
    if report.assumed:
        way_out = f"Say which it is, as --model {model}:shortcut=A_both."
        raise InputError(f"{report.source}: {report.assumed} {way_out}")


def with_normalization(loaders: Loaders, mean: Values | None, std: Values | None) -> Loaders:
    """Return loaders that normalize by given numbers instead of those of the training split."""
    channels = loaders.image_shape[0]
    for option, values, least in (("--mean", mean, -math.inf), ("--std", std, 0.0)):
        if values and (len(values) != channels or not all(least < value < math.inf for value in values)):
            needed = "one number" if channels == 1 else f"{channels} numbers, one a channel"
            above = ", above 0" if least == 0 else ""
            raise OptionError(option, f"found {_with_commas(values)}; write {needed}{above}")
    return replace(loaders, mean=tuple(mean or loaders.mean), std=tuple(std or loaders.std))


def _with_commas(values: Values) -> str:
    return ",".join(f"{value:.4g}" for value in values)

"""Evaluate weights of another program, in a network and on a dataset of the registry."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from skiprun.config_file import key_of
from skiprun.data import Loaders
from skiprun.errors import CheckpointError, InputError, OptionError, counted, some
from skiprun.experiment.foreign_weights import BATCH, USUAL_BATCH, ForeignWeights, Values
from skiprun.experiment.parts import Parts
from skiprun.experiment.prepare import prepare
from skiprun.experiment.start_weights import with_weights_found
from skiprun.run import runs_folder
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback
from skiprun.training.placing import put_rebuilt

NORMALIZATION = (
    "Normalized as this training split is, mean {mean} and std {std}; if the weights were trained with other "
    "numbers, give --mean and --std."
)


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

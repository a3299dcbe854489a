"""Refuse keys of a new experiment that nothing would read.

The keys of the `data` section are looked at where the dataset is, in `skiprun.data.uses`.
"""

from __future__ import annotations

from collections.abc import Iterator

from skiprun.config import RunConfig, ScheduleConfig
from skiprun.errors import ConfigError
from skiprun.registry import DATASETS

# What one kind of schedule alone looks at.
KEYS_OF_KINDS = {
    "multistep": ("milestones", "factor"),
    "one_cycle": ("pct_start", "div_factor", "final_div_factor"),
    "wsd": ("decay_share", "decay_shape"),
}


def refuse_unused(config: RunConfig) -> None:
    """Refuse what nothing would look at.

    Raises:
        ConfigError: with each such key.
    """
    if problems := [f"{config.place(key)}: {message}; leave it out" for key, message in unused(config)]:
        raise ConfigError(problems)


def unused(config: RunConfig) -> Iterator[tuple[str, str]]:
    """Yield (key, message) for each key that nothing looks at, because of another key or the dataset."""
    schedule, data = config.schedule, config.data
    for kind, keys in KEYS_OF_KINDS.items():
        for key in keys if schedule.kind != kind else ():
            if getattr(schedule, key) != getattr(ScheduleConfig(), key):
                yield f"schedule.{key}", f"found beside kind {schedule.kind}, and it is of {kind}"
    if DATASETS[data.name].info.task != "segmentation":
        for key, value in config.segmentation.model_dump(exclude_defaults=True).items():
            yield (
                f"segmentation.{key}",
                f"found {value}, which is for masks, and dataset '{data.name}' has labels",
            )
    elif config.segmentation.loss == "dice":
        for key, weight in (
            ("data.border_weight", data.border_weight),
            ("optim.label_smoothing", config.optim.label_smoothing),
        ):
            if weight:
                yield key, f"found {weight:g} beside segmentation.loss dice, and it is of cross entropy"
        if weights := config.optim.class_weights:
            yield (
                "optim.class_weights",
                f"found {weights} beside segmentation.loss dice, and they are of cross entropy",
            )
    if config.model.download_weights and config.model.weights is None:
        yield "model.download_weights", "found without model.weights"

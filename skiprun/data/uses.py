"""Which keys of the `data` section a dataset uses; unused ones are refused or reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from skiprun.config import DataConfig
from skiprun.data.notices import notice
from skiprun.errors import OptionError, some
from skiprun.registry import DATASETS

Facts = Mapping[str, Any]
FITS = {"classification": ("crop", "pad", "resize"), "segmentation": ("resize", "tile")}


def _task(facts: Facts) -> str:
    """Return the task of a dataset, as the registry of models has it."""
    return str(facts.get("task", "classification"))


def _of_files(facts: Facts) -> bool:
    """Say whether images are files of many kinds and sizes."""
    return bool(facts.get("resizes"))


def _of_own_masks(facts: Facts) -> bool:
    """Say whether nobody but the config knows what masks mean."""
    return _task(facts) == "segmentation" and facts.get("classes") is None


# The datasets, by their facts, that use a key; all use the others.
USED_BY: dict[str, Callable[[Facts], bool]] = {
    "root": lambda facts: bool(facts.get("download")) or _of_files(facts),
    "download": lambda facts: bool(facts.get("download")),
    "val_fraction": lambda facts: "val" not in facts,
    "test_fraction": lambda facts: _task(facts) == "classification" and _of_files(facts),
    "fit": _of_files,
    "background": _of_files,
    "classes": _of_own_masks,
    "only_classes": lambda facts: _task(facts) == "classification",
    "ignore_index": _of_own_masks,
    "instances": _of_own_masks,
    "mask_suffix": _of_own_masks,
    "subject": _of_files,
    "border_weight": lambda facts: _task(facts) == "segmentation",
    "skip_bad": _of_files,
}


def uses(dataset: str, key: str) -> bool:
    """Say whether a dataset looks at a key of the `data` section."""
    return key not in USED_BY or USED_BY[key](DATASETS[dataset].facts)


def chosen(config: DataConfig, keys: Iterable[str]) -> dict[str, str]:
    """Return those of the keys that do not have their default, each with its value as YAML has it."""
    values = {key: getattr(config, key) for key in keys}
    changed = {key: value for key, value in values.items() if value != DataConfig.model_fields[key].default}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in changed.items()}


def refuse_unused(config: DataConfig) -> None:
    """Refuse keys that the dataset would pass over.

    Raises:
        OptionError: with the key, relative to the section, and the datasets that use it.
    """
    for key, value in chosen(config, USED_BY).items():
        if not uses(config.name, key):
            users = [entry.name for entry in DATASETS if uses(entry.name, key)]
            problem = f"found {value}, which dataset '{config.name}' has no use for; it is for {some(users, 8)}"
            raise OptionError(key, f"{problem}. Leave it out")
    _check_fit(config)


def _check_fit(config: DataConfig) -> None:
    """Refuse a way of coming to a size that is for images with other targets, or where there is no size."""
    allowed = FITS[_task(DATASETS[config.name].facts)]
    if config.fit not in (None, *allowed):
        known = f"{' or '.join(allowed)} is for its images"
        raise OptionError("fit", f"found {config.fit}, which is not for dataset '{config.name}'; {known}")
    if config.fit is not None and config.image_size is None:
        raise OptionError("fit", f"found {config.fit}, and no size to come to; set data.image_size, or leave it out")


def tell_unused(config: DataConfig, keys: Iterable[str], reason: str) -> None:
    """Say which of the keys were chosen, though the files leave nothing to choose."""
    for key, value in chosen(config, keys).items():
        notice(f"data.{key} {value} is not used: {reason}.")

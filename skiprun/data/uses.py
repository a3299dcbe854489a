"""Which keys of the `data` section a dataset uses; unused ones are refused or reported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from skiprun.config import DataConfig
from skiprun.data.notices import notice
from skiprun.data.request import DataRequest
from skiprun.errors import OptionError, some
from skiprun.infos import DatasetInfo
from skiprun.registry import DATASETS

FITS = {"classification": ("crop", "pad", "resize"), "segmentation": ("resize", "tile")}


def _of_own_masks(info: DatasetInfo) -> bool:
    """Say whether nobody but the config knows what masks mean."""
    return info.task == "segmentation" and info.classes is None


# The datasets, by their info, that use a key; all use the others.
USED_BY: dict[str, Callable[[DatasetInfo], bool]] = {
    "root": lambda info: info.download is not None or info.resizes,
    "download": lambda info: info.download is not None,
    "val_fraction": lambda info: info.val is None,
    "folds": lambda info: not info.streams,
    "test_fraction": lambda info: info.resizes and (info.task == "classification" or info.classes is None),
    "resize_size": lambda info: info.task == "classification" and info.resizes,
    "fit": lambda info: info.resizes,
    "background": lambda info: info.resizes,
    "classes": _of_own_masks,
    "only_classes": lambda info: info.task == "classification",
    "ignore_index": _of_own_masks,
    "instances": _of_own_masks,
    "image_dir": _of_own_masks,
    "mask_dir": _of_own_masks,
    "mask_suffix": _of_own_masks,
    "subject": lambda info: info.resizes and not info.streams,
    "border_weight": lambda info: info.task == "segmentation",
    "skip_bad": lambda info: info.resizes,
}


def uses(dataset: str, key: str) -> bool:
    """Say whether a dataset looks at a key of the `data` section."""
    return key not in USED_BY or USED_BY[key](DATASETS[dataset].info)


def changed_keys(config: DataConfig, keys: Iterable[str]) -> dict[str, str]:
    """Return those of the keys that do not have their default, each with its value as YAML has it."""
    values = {key: getattr(config, key) for key in keys}
    changed = {key: value for key, value in values.items() if value != DataRequest.model_fields[key].default}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in changed.items()}


def refuse_unused_data_keys(config: DataConfig) -> None:
    """Refuse keys that the dataset would pass over.

    Raises:
        OptionError: with the key, relative to the section, and the datasets that use it.
    """
    for key, value in changed_keys(config, USED_BY).items():
        if not uses(config.name, key):
            users = sorted(entry.name for entry in DATASETS if uses(entry.name, key))
            problem = (
                f"found {value}, which dataset '{config.name}' has no use for; it is for {some(users, 8)}"
            )
            raise OptionError(key, f"{problem}. Leave it out")
    _check_fit(config)


def _check_fit(config: DataConfig) -> None:
    """Refuse a way of coming to a size that is for images with other targets, or where there is no size."""
    allowed = FITS[DATASETS[config.name].info.task]
    if config.fit not in (None, *allowed):
        known = f"{' or '.join(allowed)} is for its images"
        raise OptionError("fit", f"found {config.fit}, which is not for dataset '{config.name}'; {known}")
    if config.fit is not None and config.image_size is None:
        raise OptionError(
            "fit", f"found {config.fit}, and no size to come to; set data.image_size, or leave it out"
        )


def notice_unused(config: DataRequest, keys: Iterable[str], reason: str) -> None:
    """Say which of the keys were chosen, though the files leave nothing to choose."""
    for key, value in changed_keys(config, keys).items():
        named = "seeds.split" if key == "split_seed" else f"data.{key}"
        notice(f"{named} {value} is not used: {reason}.")

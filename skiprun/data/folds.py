"""k-fold cross-validation: all images are divided into parts, and each run tests one (Stone 1974).

The parts are stratified by class and hold whole images and subjects: scikit-learn's StratifiedKFold, or
StratifiedGroupKFold where there are groups. Which of them a run tests is a function of its seed.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from skiprun.data.notices import notice
from skiprun.data.only_classes import rows_in_use
from skiprun.data.request import DataRequest
from skiprun.data.source import Array, RawDataset, RawSplit, Rows
from skiprun.data.subjects import group_numbers, subject_names
from skiprun.errors import OptionError

SEEDS = 1 << 32  # of numpy's generator


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """Some rows of several arrays behind each other, read when they are asked for.

    Attributes:
        arrays: of rows of one shape.
        index: int64 [N], numbers of rows over all arrays.
    """

    arrays: Sequence[Rows]
    index: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of rows, and the shape of each."""
        return (len(self.index), *self.arrays[0].shape[1:])

    @property
    def nbytes(self) -> int:
        """The size of all."""
        sizes = (array.nbytes / len(array) for array in self.arrays if len(array))
        return round(len(self.index) * max(sizes, default=0))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, rows: Any, /) -> Array:
        """Return some rows, by their numbers."""
        numbers = np.atleast_1d(self.index[rows])
        found = np.empty((len(numbers), *self.shape[1:]), self.arrays[0][:0].dtype)
        for start, array in zip(self._starts, self.arrays, strict=True):
            here = (numbers >= start) & (numbers < start + len(array))
            found[here] = array[numbers[here] - start]
        return found if np.ndim(self.index[rows]) else found[0]

    @cached_property
    def _starts(self) -> list[int]:
        return np.cumsum([0, *map(len, self.arrays[:-1])]).tolist()


def in_folds(source: RawDataset, config: DataRequest) -> RawDataset:
    """Return a dataset whose test split is one fold of all images, and whose train split is the others.

    Raises:
        OptionError: there are fewer images or subjects than folds, or a class is in one fold alone.
    """
    if not config.folds:
        return source
    used = [rows_in_use(each) for each in source.splits]
    starts = np.cumsum([0, *map(len, source.splits)])
    whole = _chosen(
        source.splits, np.concatenate([start + rows for start, rows in zip(starts, used, strict=False)])
    )
    numbers = fold_numbers(whole, config)
    test = numbers == config.fold
    notice(
        f"data.folds {config.folds}: all {len(whole):,} images are divided into {config.folds} folds, "
        "whatever splits there were; each seed tests one."
    )
    labels = whole.targets
    if labels.ndim == 1 and len(np.unique(labels[~test])) < len(np.unique(labels)):
        raise OptionError("folds", f"found {config.folds}; all images of a class are in one of them")
    digest = blake2b(np.packbits(test).tobytes(), digest_size=16).hexdigest()
    train, tested = (_chosen([whole], np.flatnonzero(each)) for each in (~test, test))
    return replace(source, train=train, val=None, test=tested, content=f"{source.digest()} {digest}")


def fold_numbers(whole: RawSplit, config: DataRequest) -> Array:
    """Return the fold of each row, int64 [N]; rows of one image or subject are in one."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    folds, rows = config.folds or 1, np.arange(len(whole))
    labels = whole.targets if whole.targets.ndim == 1 else np.zeros(len(whole), np.int64)
    groups = group_numbers(subject_names(whole, rows, config))
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    parts = kind(folds, shuffle=True, random_state=config.split_seed % SEEDS)
    total = len(whole) if groups is None else int(groups.max()) + 1
    numbers = np.zeros(len(whole), np.int64)
    if total < folds or np.bincount(labels).max() < folds:
        what = "subjects or images" if groups is not None else "images of a class"
        raise OptionError("folds", f"found {folds}, and there are fewer {what}; choose fewer")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that are not in every fold, which is told of the splits
        for number, (_, part) in enumerate(parts.split(rows, labels, groups)):
            numbers[part] = number
    return numbers


def empty_like(raw_split: RawSplit) -> RawSplit:
    """Return a split without rows."""
    return _chosen([raw_split], np.arange(0))


def _chosen(splits: Sequence[RawSplit], index: Array) -> RawSplit:
    """Return some rows of splits behind each other, by their numbers over all of them."""
    files = [name for each in splits for name in each.files or ()]
    return RawSplit(
        ChosenRows([each.images for each in splits], index),
        np.concatenate([each.targets for each in splits])[index],
        ChosenRows([each.moments for each in splits], index),
        [files[row] for row in index.tolist()] if files else None,
    )

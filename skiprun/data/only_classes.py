"""Restrict a dataset to some of its classes: for transfer to new classes, and for smaller problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from skiprun.data.source import Array, RawDataset, RawSplit
from skiprun.errors import OptionError, did_you_mean

KEY = "only_classes"


def keep_classes(source: RawDataset, wanted: Sequence[str] | None) -> RawDataset:
    """Return a source whose classes are the wanted ones, numbered in their order; None keeps all.

    The images stay where they are: those of other classes have the label -1, and are in no split.

    Raises:
        OptionError: a class that the dataset does not have, or names twice.
    """
    if wanted is None:
        return source
    for name in wanted:
        if name not in source.class_names:
            known = ", ".join(source.class_names[:10]) + (" ..." if len(source.class_names) > 10 else "")
            near = did_you_mean(name, source.class_names)
            raise OptionError(KEY, f"found '{name}'; the dataset has no such class.{near} It has {known}")
    if len(set(wanted)) < max(2, len(wanted)):
        raise OptionError(KEY, f"found {', '.join(wanted) or 'none'}; name two classes or more, each once")
    # The last, at -1, is of rows that are in no split.
    labels = np.full(len(source.class_names) + 1, -1, np.int64)
    labels[[source.class_names.index(name) for name in wanted]] = np.arange(len(wanted))
    train, val, test = (
        raw_split and replace(raw_split, targets=labels[raw_split.targets])
        for raw_split in (source.train, source.val, source.test)
    )
    assert train and test
    return replace(source, train=train, val=val, test=test, class_names=tuple(wanted))


def rows_in_use(raw_split: RawSplit) -> Array:
    """Return the rows of a split whose class is kept."""
    return (
        np.flatnonzero(raw_split.targets >= 0) if raw_split.targets.ndim == 1 else np.arange(len(raw_split))
    )

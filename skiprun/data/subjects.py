"""Samples that must stay on one side of a split: tiles of one image, images of one subject."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from skiprun.config import DataConfig
from skiprun.data.notices import notice
from skiprun.data.partition import stratified_split
from skiprun.data.source import Array, RawSplit
from skiprun.errors import OptionError, some


def subject_names(raw_split: RawSplit, rows: Array, config: DataConfig) -> list[str] | None:
    """Return the name of the subject that each row shows, or of its image; None where there are no files.

    Raises:
        OptionError: subjects are asked for, and there are no files, or a file names none.
    """
    if raw_split.files is None:
        if config.subject:
            raise OptionError(
                "subject", f"is found in the paths of files, which dataset '{config.name}' has none of"
            )
        return None
    files = [raw_split.files[row] for row in rows.tolist()]
    return [subject_of(file, config.subject) for file in files] if config.subject else files


def subject_of(file: str, pattern: str) -> str:
    """Return the first group of the pattern, or all that matches, in the path of a file below `data.root`."""
    found = re.search(pattern, file)
    if found is None:
        raise OptionError("subject", f"found '{pattern}', which matches nothing in {file}")
    return str(found[1] if found.re.groups else found[0])


def group_numbers(names: Sequence[str] | None) -> Array | None:
    """Return the same number, int64, for each name that is the same; None where every name is another."""
    if names is None or len(set(names)) == len(names):
        return None
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names])


def draw_part(labels: Array, groups: Array | None, share: float, seed: int) -> tuple[Array, Array]:
    """Return (rest, part) as rising row numbers; the part has a share of the rows, in whole groups if any.

    The draw is stratified by the labels of rows that stand alone, or else of groups.

    Raises:
        ValueError: the rest cannot hold every label.
    """
    if groups is None:
        return stratified_split(labels, round(share * len(labels)), seed)
    of_groups = group_labels(labels, groups)
    chosen = stratified_split(of_groups, round(share * len(of_groups)), seed)
    rest, part = (np.flatnonzero(np.isin(groups, each)) for each in chosen)
    if len(np.unique(labels[rest])) < len(np.unique(labels)):
        raise ValueError("the rest lacks a label")
    return rest, part


def group_labels(labels: Array, groups: Array) -> Array:
    """Return a label for each group, int64: of those that its rows have, the one that fewest groups have.

    So a label that is rare among the groups is divided between the parts of a stratified draw.
    """
    count = int(labels.max()) + 1
    group, label = divmod(np.unique(groups * count + labels), count)
    order = np.lexsort((np.bincount(label)[label], group))
    return label[order][np.unique(group, return_index=True)[1]]


def tell_shared(parts: Mapping[str, tuple[RawSplit, Array]], config: DataConfig) -> None:
    """Say which subjects are trained on and scored as well, where the splits were given."""
    if config.subject is None:
        return
    seen = {split: set(subject_names(*part, config) or ()) for split, part in parts.items()}
    for split in ("val", "test"):
        if shared := sorted(seen["train"] & seen[split]):
            notice(
                f"{len(shared)} of {len(seen[split])} subjects in {split} are in train as well: "
                f"{some(shared)}.",
                suspicious=True,
            )

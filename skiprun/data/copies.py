"""Find copies by their pixels: images of val or test that are also in train, and images under two classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b

import numpy as np

from skiprun.data.notices import notice
from skiprun.data.source import Array, RawSplit
from skiprun.errors import some

Part = tuple[RawSplit, Array]
# Odd numbers, one for each sum of an image: their products add up to a number that other images hardly have.
FACTORS = np.random.default_rng(0).integers(1 << 62, size=8) | 1


def tell_copies(parts: Mapping[str, Part]) -> None:
    """Say how many images of val and test are in train as well, or are there under two classes.

    `parts` holds the data and the rows of each split.
    """
    for split, part in parts.items():
        if found := labelled_twice(part):
            notice(
                f"{len(found)} of {len(part[1]):,} images in {split} are there under another class too: "
                f"{some(found)}.",
                suspicious=True,
            )
    for split in ("val", "test"):
        if found := copies(parts[split], parts["train"]):
            total = len(set(image_names(parts[split])))
            words = f"{len(found)} of {total:,} images in {split} are in train as well: {some(found)}."
            notice(words, suspicious=True)


def copies(scored: Part, trained: Part) -> list[str]:
    """Return the names of the images of a part that are in another; of tiles, where all of an image are.

    Only images with the same sums are compared by their pixels, so that a set without copies is not read
    again.
    """
    ours, theirs = sums_of(scored), sums_of(trained)
    known = set(digests(trained, np.isin(theirs, ours)))
    if not known:
        return []
    alike = np.isin(ours, theirs)
    same = np.zeros(len(ours), bool)
    same[alike] = [digest in known for digest in digests(scored, alike)]
    names = np.array(image_names(scored))
    return sorted(set(names[same].tolist()) - set(names[~same].tolist()))


def labelled_twice(part: Part) -> list[str]:
    """Return the names of the images of a part that are in it with another label too; none of masks."""
    raw_split, rows = part
    if raw_split.targets.ndim > 1:
        return []
    _, place, times = np.unique(sums_of(part), return_inverse=True, return_counts=True)
    alike = times[place] > 1
    labels: dict[bytes, set[int]] = {}
    found = list(zip(digests(part, alike), rows[alike].tolist(), strict=True))
    for digest, row in found:
        labels.setdefault(digest, set()).add(int(raw_split.targets[row]))
    twice = {row for digest, row in found if len(labels[digest]) > 1}
    return sorted(name for name, row in zip(image_names(part), rows.tolist(), strict=True) if row in twice)


def image_names(part: Part) -> list[str]:
    """Return the name of the image of each row."""
    raw_split, rows = part
    return [str(raw_split.files[row]) if raw_split.files else str(row) for row in rows]


def sums_of(part: Part) -> Array:
    """Return a number for each row, int64 [N], the same for the same pixels."""
    raw_split, rows = part
    moments = raw_split.moments[rows].reshape(len(rows), -1)
    return (moments * FACTORS[: moments.shape[1]]).sum(1)  # wraps around, which does no harm


def digests(part: Part, chosen: Array) -> Iterator[bytes]:
    """Yield the digest of the pixels of each chosen row."""
    raw_split, rows = part
    for row in rows[chosen]:
        yield blake2b(np.ascontiguousarray(raw_split.images[row]).data, digest_size=16).digest()

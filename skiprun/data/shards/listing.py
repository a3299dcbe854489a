"""List tar shards by split: those of a folder, or of a pattern such as train-{000000..000146}.tar."""

from __future__ import annotations

import re
from itertools import accumulate, pairwise
from pathlib import Path

from skiprun.data.download.place import folder_of
from skiprun.data.folders.layout import FLAT
from skiprun.data.folders.splits import SPLITS, split_meant
from skiprun.errors import DataNotFound, InputError, some
from skiprun.system.disk import storage_errors

LAYOUT = (
    "It must be a folder of .tar files, or a pattern such as shards/{train,val}-{000000..000146}.tar. A file "
    "says in its name or in that of its folder whether it is of train, val or test; where none does, "
    "data.test_fraction of all samples are kept for testing."
)
PACKED = (".tar.gz", ".tgz", ".tar.zst", ".tar.bz2", ".tar.xz")
RANGE = re.compile(r"(\d+)\.\.(\d+)")
MAX_SHARDS = 1_000_000


def list_shards(root: str) -> dict[str, list[Path]]:
    """Return the shards of each split, by name; of a set without splits all under FLAT.

    Raises:
        DataNotFound: there are none.
        InputError: some are missing, packed, or of no split beside others that are of one.
    """
    shards = of_pattern(root) if len(expanded(root)) > 1 else of_folder(folder_of(root))
    found: dict[str, list[Path]] = {}
    for shard in shards:
        found.setdefault(split_of(shard), []).append(shard)
    if FLAT in found and len(found) > 1:
        raise InputError(f"{found[FLAT][0]} is of no split, and others are. {LAYOUT}")
    if FLAT not in found and ("train" not in found or len(found) < 2):
        missing = "train" if "train" not in found else "test or val"
        raise InputError(f"{root} has no shards of {missing}; found: {', '.join(found)}. {LAYOUT}")
    if "test" not in found and "val" in found:
        found["test"] = found.pop("val")
    return {split: found[split] for split in (*SPLITS, FLAT) if split in found}


def of_folder(folder: Path) -> list[Path]:
    """Return the shards in a folder, or of its folders that are called like splits."""
    if not folder.exists():
        raise DataNotFound("webdataset", folder, f"Set data.root to the shards. {LAYOUT}")
    if not folder.is_dir():
        raise InputError(f"{folder} is a file; data.root must be a folder or a pattern. {LAYOUT}")
    with storage_errors("read", folder):
        files = [file for file in folder.iterdir() if not file.name.startswith(".")]
        below = [place for place in files if place.is_dir() and split_meant(place.name)]
        files += [file for place in below for file in place.iterdir() if not file.name.startswith(".")]
    if packed := sorted(file for file in files if file.name.endswith(PACKED)):
        raise InputError(
            f"{packed[0]} is packed, and its samples cannot be found in it; unpack it to a .tar."
        )
    if shards := sorted(file for file in files if file.suffix == ".tar"):
        return shards
    raise DataNotFound("webdataset", folder, LAYOUT)


def of_pattern(pattern: str) -> list[Path]:
    """Return the shards that a pattern stands for."""
    shards = [folder_of(each) for each in expanded(pattern)]
    if missing := [shard.name for shard in shards if not shard.is_file()]:
        if len(missing) == len(shards):
            raise DataNotFound(
                "webdataset", shards[0].parent, f"{pattern} stands for {some(missing)}. {LAYOUT}"
            )
        raise InputError(
            f"{len(missing)} of {len(shards)} shards of {pattern} are not there: {some(missing)}."
        )
    return shards


def expanded(pattern: str) -> list[str]:
    """Return what a pattern stands for, as a shell's braces do.

    {000..146} stands for numbers of three digits, {a,b} for a and b, each of which may hold further braces.
    """
    for start in (place for place, character in enumerate(pattern) if character == "{"):
        end = closing_brace(pattern, start)
        if choices := choices_of(pattern[start + 1 : end]):
            rests = expanded(pattern[end + 1 :])
            middle = (each for choice in choices for each in expanded(choice))
            return [pattern[:start] + each + rest for each in middle for rest in rests]
    return [pattern]


def closing_brace(pattern: str, start: int) -> int:
    """Return the place of the brace that closes the one at a place; the place itself where none does."""
    depth = 0
    for place in range(start, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[place], 0)
        if not depth:
            return place
    return start


def choices_of(inside: str) -> list[str]:
    """Return what stands between braces: numbers of a range, or what commas divide; nothing of other text."""
    if span := RANGE.fullmatch(inside):
        first, last = span.groups()
        if int(last) - int(first) >= MAX_SHARDS:
            raise InputError(f"{{{inside}}} stands for more than {MAX_SHARDS:,} shards.")
        return [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
    depths = accumulate({"{": 1, "}": -1}.get(character, 0) for character in inside)
    commas = [place for place, depth in enumerate(depths) if not depth and inside[place] == ","]
    ends = pairwise([-1, *commas, len(inside)])
    return [inside[start + 1 : end] for start, end in ends] if commas else []


def split_of(shard: Path) -> str:
    """Return the split that the name of a shard, or else of its folder, means; FLAT where neither does."""
    words = [*re.split(r"[^A-Za-z]+", shard.stem), shard.parent.name]
    return next((meant for word in words if (meant := split_meant(word))), FLAT)

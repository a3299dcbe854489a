"""What is recorded of the data of a run, and what differs from it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from skiprun.config import DataConfig
from skiprun.data import Loaders
from skiprun.data.download.place import folder_of
from skiprun.errors import counted, some
from skiprun.experiment.matching import MAX_NAMES
from skiprun.run.documents import ConversionRecord, DataRecord, NamedData

SPLITS: tuple[Literal["train", "val", "test"], ...] = ("train", "val", "test")


def describe_data(config: DataConfig, loaders: Loaders) -> NamedData:
    """Return what is recorded of the data of a run; a relative `data.root` becomes absolute here."""
    record: NamedData = {
        "name": config.name,
        "root": str(folder_of(config.root)) if config.root else None,
        "task": loaders.task,
        "train": len(loaders.train),
        "val": len(loaders.val),
        "test": len(loaders.test),
        "num_classes": loaders.num_classes,
        "class_names": list(loaders.class_names),
        "image_shape": list(loaders.image_shape),
        "mean": list(loaders.mean),
        "std": list(loaders.std),
        "fingerprint": loaders.fingerprint,
        "conversion": describe_conversion(loaders),
    }
    if loaders.pixels:
        record["pixels"] = {split: list(counts) for split, counts in loaders.pixels.items()}
    return record


def describe_conversion(loaders: Loaders) -> ConversionRecord | None:
    """Return what is recorded of how files became images; None where there were no files."""
    return asdict(loaders.conversion) if loaders.conversion else None


def spread_of(conversion: ConversionRecord | None) -> str:
    """Say from which values deep images were spread, by what is recorded of their conversion."""
    span = (conversion or {}).get("span")
    return f"from {span[0]:,g} to {span[1]:,g}" if span else "by no common range"


def data_differences(record: DataRecord, loaders: Loaders) -> list[str]:
    """Return what differs between recorded and present data, in words."""
    found = []
    for split in SPLITS:
        now = len(getattr(loaders, split))
        if record.get(split, now) != now:
            found.append(f"{counted(record[split], 'image')} in {split} then, {now:,} now")
    then, now_named = record.get("class_names"), list(loaders.class_names)
    if then is not None and then != now_named:
        found.append(f"classes {some(then, MAX_NAMES)} then, {some(now_named, MAX_NAMES)} now")
    shape = list(loaders.image_shape)
    if record.get("image_shape", shape) != shape:
        sizes = ["x".join(map(str, each)) for each in (record["image_shape"], shape)]
        found.append(f"images of {sizes[0]} then, {sizes[1]} now")
    then_spread, now_spread = spread_of(record.get("conversion")), spread_of(describe_conversion(loaders))
    if "conversion" in record and then_spread != now_spread:
        found.append(f"deep images spread {then_spread} then, {now_spread} now")
    return found or ["images, labels or the split differ, not their number"]

"""Open the data of a run again, and check it by the recorded fingerprint, not by its path.

Other data is refused. Where it is asked for, it is seen as the run saw its own: labels are matched by the names of the
classes, and pixels are normalized by the run's mean and deviation.
"""

from __future__ import annotations

import contextlib
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from skiprun.config import DataConfig, RunConfig
from skiprun.data import Loaders
from skiprun.data.download.place import folder_of
from skiprun.data.uses import uses
from skiprun.errors import CheckpointError, InputError, OtherData, StorageError, counted, some
from skiprun.experiment.matching import MOST_NAMES, as_trained_on
from skiprun.run import Run
from skiprun.run.documents import ConversionRecord, DataRecord, NamedData
from skiprun.training.checkpoint import Checkpoints, load

log = logging.getLogger(__name__)

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


def recorded(run: Run) -> DataRecord:
    """Return what a run recorded of its data: in its summary, in its latest session, or at least in its checkpoint."""
    if run.summary_file.exists():
        return run.summary()["data"]
    if found := of_sessions(run):
        return found[-1]
    last = Checkpoints(run.checkpoints).last
    with contextlib.suppress(CheckpointError):  # a damaged one is told by whoever goes on from it
        if last.exists():
            state = load(last)
            known: DataRecord = {"fingerprint": state["data"]}
            return {**known, "train": state["samples"]} if "samples" in state else known
    return {}


def of_sessions(run: Run) -> list[DataRecord]:
    """Return what the sessions of a run recorded of its data, oldest first; nothing if environment.json is damaged."""
    with contextlib.suppress(StorageError):
        return [session["data"] for session in run.sessions() if "data" in session]
    return []


def config_with_data(run: Run, root: Path | str | None = None) -> RunConfig:
    """Return the config of a run with the place where its data is now.

    Args:
        run: whose data is looked for.
        root: the place, if it is not where it was.

    Raises:
        InputError: the data is nowhere where it was, or a place is given for data that has none.
    """
    config = run.config
    if root is not None and not uses(config.data.name, "root"):
        raise InputError(f"--root {root}: dataset '{config.data.name}' of {run.path} lies in no folder; leave it out.")
    if not uses(config.data.name, "root") or (root is None and config.data.root is None):
        return config
    if root is not None:
        place = folder_of(str(root))
        if not place.exists():
            raise InputError(f"--root {root}: there is no such folder.")
    else:
        place = last_place(run, config)
        if place != folder_of(config.data.root):
            log.info(f"{run.name}: its data is in {place}.")
    return config.replace(data=config.to_dict()["data"] | {"root": str(place)})


def last_place(run: Run, config: RunConfig) -> Path:
    """Return the folder in which a run last found its data, or else the one that its `data.root` means here."""
    roots = [root for record in [*reversed(of_sessions(run)), recorded(run)] if (root := record.get("root"))]
    places = [*map(Path, roots), folder_of(config.data.root)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise InputError(
            f"Run {run.path}: its data was in {places[0]}, which is not there now. Bring it back, or name the place "
            "where it is with --root (root=... in Python)."
        )
    return found


@dataclass(frozen=True)
class KnownData:
    """Compares data with what a run recorded of its own.

    Attributes:
        run: whose data it should be.
        other_data: use other data too, and say what differs.
        way_out: of a refusal.
    """

    run: Run
    other_data: bool = False
    way_out: str = "add --other-data to use this (other_data=True in Python)"

    def __call__(self, loaders: Loaders) -> Loaders:
        """Return data as the run sees it.

        Raises:
            OtherData: it is not the run's, and that was not asked for.
            InputError: it has a class that the run does not know, or images of another number of channels.
        """
        record = recorded(self.run)
        if "fingerprint" not in record:
            log.info(f"{self.run.name}: an older run, which recorded no fingerprint; its data could not be compared.")
            return loaders
        if record["fingerprint"] == loaders.fingerprint:
            return loaders
        if loaders.earlier and (earlier := loaders.earlier()).fingerprint == record["fingerprint"]:
            log.info(
                f"{self.run.name}: split by an earlier version, which drew tiles for validation, not images. That "
                "split is used: its val shares images with train; test is what it would be now."
            )
            return replace(earlier, conversion=loaders.conversion)
        found = data_differences(record, loaders)
        if not self.other_data:
            raise OtherData(self.run.path, found, record.get("root"), self.way_out)
        log.info(f"{self.run.name}: other data than it was trained on: {'; '.join(found)}.")
        return as_trained_on(record, loaders)


def data_differences(record: DataRecord, loaders: Loaders) -> list[str]:
    """Return what differs between recorded and present data, in words."""
    found = []
    for split in SPLITS:
        now = len(getattr(loaders, split))
        if record.get(split, now) != now:
            found.append(f"{counted(record[split], 'image')} in {split} then, {now:,} now")
    then, now_named = record.get("class_names"), list(loaders.class_names)
    if then is not None and then != now_named:
        found.append(f"classes {some(then, MOST_NAMES)} then, {some(now_named, MOST_NAMES)} now")
    shape = list(loaders.image_shape)
    if record.get("image_shape", shape) != shape:
        sizes = ["x".join(map(str, each)) for each in (record["image_shape"], shape)]
        found.append(f"images of {sizes[0]} then, {sizes[1]} now")
    then_spread, now_spread = spread_of(record.get("conversion")), spread_of(describe_conversion(loaders))
    if "conversion" in record and then_spread != now_spread:
        found.append(f"deep images spread {then_spread} then, {now_spread} now")
    return found or ["images, labels or the split differ, not their number"]

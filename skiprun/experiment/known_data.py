"""The data of a run, opened again: the fingerprint that the run recorded says whether it is the same, not its path.

Other data is refused. Where it is asked for, it is seen as the run saw its own: labels are matched by the names of the
classes, and pixels are normalized by the run's mean and deviation.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skiprun.config import DataConfig, RunConfig
from skiprun.data import Loaders, Split
from skiprun.data.place import folder_of
from skiprun.errors import CheckpointError, InputError, OtherData, StorageError, did_you_mean
from skiprun.run import Run
from skiprun.training.checkpoint import Checkpoints, load

Say = Callable[[str], None]
MASK_VALUES = 256
MOST_NAMES = 8


def describe_data(config: DataConfig, loaders: Loaders) -> dict[str, Any]:
    """Return what is recorded of the data of a run; a relative `data.root` becomes absolute here."""
    return {
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
        "conversion": asdict(loaders.conversion) if loaders.conversion else None,
        **({"pixels": {split: list(counts) for split, counts in loaders.pixels.items()}} if loaders.pixels else {}),
    }


def recorded(run: Run) -> dict[str, Any]:
    """Return what a run recorded of its data: in its summary, in its latest session, or at least in its checkpoint."""
    if run.summary_file.exists():
        return dict(run.summary().get("data", {}))
    if found := of_sessions(run):
        return found[-1]
    last = Checkpoints(run.checkpoints).last
    with contextlib.suppress(CheckpointError):  # a damaged one is told by whoever goes on from it
        if last.exists():
            state = load(last)
            return {"fingerprint": state["data"], "train": state.get("samples")}
    return {}


def of_sessions(run: Run) -> list[dict[str, Any]]:
    """Return what the sessions of a run recorded of its data, oldest first; nothing if environment.json is damaged."""
    with contextlib.suppress(StorageError, KeyError, TypeError, AttributeError, ValueError):
        return [dict(session["data"]) for session in run.sessions() if "data" in session]
    return []


def config_with_data(run: Run, root: Path | str | None = None, say: Say = lambda line: None) -> RunConfig:
    """Return the config of a run with the place where its data is now.

    Args:
        run: whose data is looked for.
        root: the place, if it is not where it was.
        say: told, in a line, where the data was found if that is not what `data.root` means here.

    Raises:
        InputError: the data is nowhere where it was.
    """
    config = run.config
    if root is None and config.data.root is None:
        return config
    if root is not None:
        place = folder_of(str(root))
        if not place.exists():
            raise InputError(f"--root {root}: there is no such folder.")
    else:
        place = last_place(run, config)
        if place != folder_of(config.data.root):
            say(f"{run.name}: its data is in {place}.")
    return config.revised(data=config.plain()["data"] | {"root": str(place)})


def last_place(run: Run, config: RunConfig) -> Path:
    """Return the folder in which a run last found its data, or else the one that its `data.root` means here."""
    roots = [record["root"] for record in [*reversed(of_sessions(run)), recorded(run)] if record.get("root")]
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
        say: told, in a line, what differs or could not be compared.
    """

    run: Run
    other_data: bool = False
    way_out: str = "add --other-data to use this (other_data=True in Python)"
    say: Say = lambda line: None

    def __call__(self, loaders: Loaders) -> Loaders:
        """Return data as the run sees it.

        Raises:
            OtherData: it is not the run's, and that was not asked for.
            InputError: it has a class that the run does not know, or images of another number of channels.
        """
        record = recorded(self.run)
        if "fingerprint" not in record:
            self.say(f"{self.run.name}: an older run, which recorded no fingerprint; its data could not be compared.")
            return loaders
        if record["fingerprint"] == loaders.fingerprint:
            return loaders
        found = differences(record, loaders)
        if not self.other_data:
            raise OtherData(self.run.path, found, record.get("root"), self.way_out)
        self.say(f"{self.run.name}: other data than it was trained on: {'; '.join(found)}.")
        return as_trained_on(record, loaders, self.say)


def differences(record: Mapping[str, Any], loaders: Loaders) -> list[str]:
    """Return what differs between recorded and present data, in words."""
    found = []
    for split in ("train", "val", "test"):
        now = len(getattr(loaders, split))
        if record.get(split, now) != now:
            found.append(f"{record[split]:,} images in {split} then, {now:,} now")
    then, now_named = record.get("class_names"), list(loaders.class_names)
    if then is not None and then != now_named:
        found.append(f"classes {listed(then)} then, {listed(now_named)} now")
    shape = list(loaders.image_shape)
    if record.get("image_shape", shape) != shape:
        sizes = ["x".join(map(str, each)) for each in (record["image_shape"], shape)]
        found.append(f"images of {sizes[0]} then, {sizes[1]} now")
    return found or ["images, labels or the split differ, not their number"]


def listed(names: list[str]) -> str:
    """Return names with commas, cut where there are many."""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more


def as_trained_on(record: Mapping[str, Any], loaders: Loaders, say: Say) -> Loaders:
    """Return other data as a run sees it: with its classes, its channels and its normalization."""
    if missing := {"class_names", "mean", "std", "image_shape"} - record.keys():
        raise InputError(f"The run recorded no {', '.join(sorted(missing))}; its labels cannot be matched by name.")
    names, channels = list(record["class_names"]), record["image_shape"][0]
    labels = matched(names, list(loaders.class_names))
    if absent := [name for name in names if name not in loaders.class_names]:
        say(f"Without images: {listed(absent)}.")
    if loaders.image_shape[0] not in (1, channels):
        raise InputError(f"The images have {loaders.image_shape[0]} channels, and the run was trained on {channels}.")
    refuse_other_span(record, loaders)
    table = torch.arange(max(MASK_VALUES, len(labels)), device=loaders.device)
    table[: len(labels)] = torch.tensor(labels, device=loaders.device)
    return replace(
        loaders,
        train=Matched(loaders.train, table, channels),
        val=Matched(loaders.val, table, channels),
        test=Matched(loaders.test, table, channels),
        num_classes=len(names),
        class_names=tuple(names),
        image_shape=(channels, *loaders.image_shape[1:]),
        mean=tuple(record["mean"]),
        std=tuple(record["std"]),
        pixels={split: renumbered(counts, labels, len(names)) for split, counts in loaders.pixels.items()},
    )


def refuse_other_span(record: Mapping[str, Any], loaders: Loaders) -> None:
    """Refuse deep images that were brought to 8 bits by another range of values than those of the run."""
    then, now = (record.get("conversion") or {}).get("span"), loaders.conversion and loaders.conversion.span
    if now and list(now) != list(then or ()):
        known = f"{then[0]:g} to {then[1]:g}" if then else "none"
        raise InputError(
            f"The values {now[0]:g} to {now[1]:g} of these deep images became 0 to 255, and of the run's {known}. Save "
            "them with 8 bits, spread as the run's were; `skiprun predict` spreads them so by itself."
        )


def renumbered(counts: Sequence[int], labels: Sequence[int], number: int) -> tuple[int, ...]:
    """Return the pixels of classes, and of void last, by the numbers that the classes have for a run."""
    *known, void = counts
    found = dict(zip(labels, known, strict=True))
    return (*(found.get(label, 0) for label in range(number)), void)


def matched(known: list[str], found: list[str]) -> list[int]:
    """Return the number that each found class has for a run.

    Raises:
        InputError: the run does not know one.
    """
    for name in found:
        if name not in known:
            hint = did_you_mean(name, known)
            raise InputError(f"The run does not know the class '{name}'.{hint} It was trained on {listed(known)}.")
    return [known.index(name) for name in found]


@dataclass(frozen=True, eq=False)
class Matched:
    """A split with labels and channels as a run knows them.

    Attributes:
        table: int64, the run's label of each label here; what is no label, such as void, stays.
        channels: grey images are repeated in so many.
    """

    split: Split
    table: Tensor
    channels: int

    def __len__(self) -> int:
        return len(self.split)

    def take(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return uint8 images [B, C, H, W] and their targets."""
        images, targets = self.split.take(index)
        return images.expand(-1, self.channels, -1, -1), self._matched(targets)

    def _matched(self, targets: Tensor) -> Tensor:
        """Return labels [B], masks [B, H, W], or masks with border weights [B, 2, H, W]."""
        if targets.ndim == 4:
            return torch.cat([self._matched(targets[:, 0])[:, None], targets[:, 1:]], 1)
        return self.table[targets.long()].to(targets.dtype)

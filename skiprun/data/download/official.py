"""Published datasets read by torchvision: found, downloaded if allowed, and unpacked by one process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from skiprun.config import DataConfig
from skiprun.data.download.fetch import Archive, FetchFailed, fetch, sum_of
from skiprun.data.download.place import folder_of, locked
from skiprun.data.source import RawDataset
from skiprun.errors import DataNotFound, InputError, OptionError, SkiprunError
from skiprun.system.progress import ProgressCallback


@dataclass(frozen=True)
class PublishedDataset:
    """What must be known of a published dataset.

    Attributes:
        name: as `data.name` says it.
        size: of all archives together, for people.
        archives: the official files.
        unpack: makes of the archives below a folder what `read` needs.
        read: returns the splits; raises anything if the unpacked files are absent or damaged.
        unpacked: the folder that `unpack` fills.
    """

    name: str
    size: str
    archives: Sequence[Archive]
    unpack: Callable[[Path, ProgressCallback], None]
    read: Callable[[Path], RawDataset]
    unpacked: str = ""


def load_official(official: PublishedDataset, config: DataConfig, progress: ProgressCallback) -> RawDataset:
    """Return the splits of a published dataset.

    Raises:
        DataNotFound: neither there nor fetched.
        InputError: an official file is damaged.
    """
    if config.image_size is not None:
        raise OptionError("image_size", f"'{official.name}' has images of one size; only folders are resized")
    root = folder_of(config.root)
    source = _attempt(official, root)
    if source is None:
        absent = [archive for archive in official.archives if not (root / archive.path).exists()]
        if absent and not config.download:
            raise DataNotFound(official.name, root, _way_out(official, absent, root))
        with locked(root, progress) as reporting:
            # Another process may have been first.
            source = _attempt(official, root) or _read_official(official, root, config.download, reporting)
    return source


def _attempt(official: PublishedDataset, root: Path) -> RawDataset | None:
    """Return the splits if the unpacked files are there and whole."""
    try:
        return official.read(root)
    except MemoryError:
        raise
    # torchvision says neither which file nor what is wrong, in many exceptions; what follows finds out.
    except Exception:
        return None


def _read_official(
    official: PublishedDataset, root: Path, download: bool, progress: ProgressCallback
) -> RawDataset:
    """Check the official files, fetch those that are absent or damaged, unpack and read them."""
    for archive in official.archives:
        found = sum_of(root / archive.path) if (root / archive.path).exists() else None
        if found == archive.md5:
            continue
        if not download:
            raise InputError(
                f"{root / archive.path} is damaged: its MD5 sum is {found}, the official one {archive.md5}. "
                f"Fetch it again with --set data.download=true ({official.size})."
            )
        try:
            fetch(archive, root, progress)
        except FetchFailed as failure:
            way_out = f"The download failed ({failure}). Check the network, or put {archive.name} into"
            raise DataNotFound(official.name, root, f"{way_out} {(root / archive.path).parent}.") from None
    official.unpack(root, progress)
    try:
        return official.read(root)
    except SkiprunError:
        raise
    except Exception as error:
        raise InputError(f"Dataset '{official.name}' in {root} cannot be read: {error}") from error


def _way_out(official: PublishedDataset, absent: Sequence[Archive], root: Path) -> str:
    """Say what to put where, and how to have it fetched."""
    names = " and ".join(archive.name for archive in absent)
    place = (root / absent[0].path).parent
    damaged = official.unpacked and (root / official.unpacked).exists()
    found = f"{official.unpacked} is there, but incomplete or damaged. " if damaged else ""
    return (
        f"{found}Let it be fetched with --set data.download=true ({official.size}), or put {names} into "
        f"{place}, or name another folder with data.root or $SKIPRUN_DATA."
    )


def torchvision_datasets() -> ModuleType:
    """Return torchvision.datasets; it takes a second to import."""
    from skiprun.system.torchvision_repair import torchvision

    return torchvision.datasets

"""Walk through a dataset folder: find the images and count the files passed over.

Folders below a class are entered, links to folders are not, so that no loop is walked. A link that leads
nowhere is refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from skiprun.data.folders.opening import SUFFIXES
from skiprun.data.folders.unused import Unused
from skiprun.errors import InputError


class Walk:
    """A walk; `unused` grows on the way."""

    def __init__(self) -> None:
        self.unused = Unused()

    def folders(self, place: Path, entries: list[os.DirEntry[str]], layout: str) -> list[str]:
        """Return the names of the class folders among the visible entries of a folder, sorted.

        Raises:
            InputError: an image lies beside them.
        """
        found = []
        for entry in entries:
            if is_image(entry):
                raise InputError(f"{place / entry.name} lies outside of any class folder. {layout}")
            if entry.is_dir() and not _leads_up(place, entry):
                found.append(entry.name)
            else:
                self._pass_over(entry)
        return sorted(found)

    def images_below(self, place: Path, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
        """Yield path and status of all images in a folder and in the folders below, by name."""
        for entry in sorted(self.visible(place), key=lambda entry: entry.name):
            if entry.is_dir(follow_symlinks=False):
                yield from self.images_below(place / entry.name, f"{prefix}/{entry.name}")
            elif is_image(entry):
                yield f"{prefix}/{entry.name}", entry.stat()
            else:
                self._pass_over(entry)

    def visible(self, place: Path) -> list[os.DirEntry[str]]:
        """Return what a folder holds, without hidden entries.

        A link that leads nowhere is refused: it would be an image fewer.
        """
        with os.scandir(place) as scanned:
            entries = list(scanned)
        visible = [entry for entry in entries if not entry.name.startswith(".")]
        self.unused.hidden += len(entries) - len(visible)
        for entry in visible:
            if entry.is_symlink() and not (place / entry.name).exists():
                raise InputError(f"{place / entry.name} is a link that leads nowhere. Repair or remove it.")
        return visible

    def _pass_over(self, entry: os.DirEntry[str]) -> None:
        if entry.is_dir():
            self.unused.links += 1
        else:
            self.unused.endings[ending(entry.name)] += 1


def is_image(entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a file with the ending of an image."""
    return ending(entry.name) in SUFFIXES and entry.is_file()


def ending(name: str) -> str:
    """Return the ending of a file's name, with its dot, in small letters."""
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - of a million names


def _leads_up(place: Path, entry: os.DirEntry[str]) -> bool:
    """Say whether an entry is a link to the folder it is in, or to one above."""
    return entry.is_symlink() and (place / entry.name).resolve() in [
        place.resolve(),
        *place.resolve().parents,
    ]

"""Files that masks are written to: named after their images, and never over what is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.errors import InputError
from skiprun.inference.input_files import Input
from skiprun.system.disk import check_writable


@dataclass(frozen=True)
class Output:
    """Where the mask of an image is written, and the image with its mask laid over it if that is wanted."""

    mask: Path
    overlay: Path | None

    @property
    def files(self) -> list[Path]:
        """Both, or the mask alone."""
        return [self.mask, self.overlay] if self.overlay else [self.mask]


@dataclass(frozen=True)
class MaskFolder:
    """Where masks are written.

    Attributes:
        path: the folder.
        overlay: write the image with its mask laid over it, too.
        overwrite: replace files that are there.
    """

    path: Path
    overlay: bool = False
    overwrite: bool = False


def name_outputs(inputs: Sequence[Input], folder: MaskFolder) -> list[Output]:
    """Return where mask and overlay of each image go: <out>/<name>.png and <out>/<name>-overlay.png.

    Raises:
        InputError: two would get one name, an image would be replaced, or another file if that was not asked
            for.
        StorageError: the folder cannot be written to.
    """
    outputs = [_output(folder.path / each.name, folder.overlay) for each in inputs]
    sources, seen = {each.file.resolve() for each in inputs}, dict[Path, Path]()
    for each, output in zip(inputs, outputs, strict=True):
        for target in output.files:
            if target.resolve() in sources:
                raise InputError(f"{target} would be replaced by its mask; name another folder with --out.")
            if target in seen:
                both = f"{seen[target]} and {each.file}"
                raise InputError(f"{both} would both get the mask {target}; predict them apart.")
            seen[target] = each.file
    refuse_existing(list(seen), folder.overwrite)
    for place in {folder.path, *(target.parent for target in seen)}:
        check_writable(place, below=folder.path)
    return outputs


def _output(named: Path, overlay: bool) -> Output:
    """Return the files of one image."""
    return Output(
        named.with_suffix(".png"), named.with_name(f"{named.stem}-overlay.png") if overlay else None
    )


def refuse_existing(targets: Sequence[Path], overwrite: bool) -> None:
    """Raise InputError if files are there that would be replaced without being asked for."""
    there = [] if overwrite else [target for target in targets if target.exists()]
    if there:
        others = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise InputError(
            f"{there[0]}{others} is there already; name another place, "
            "or add --overwrite (overwrite=True in Python)."
        )

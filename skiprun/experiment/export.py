"""Write the best weights of a run as files of other formats, each computed beside the network before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from skiprun.errors import InputError
from skiprun.experiment.exporter import ExportedFile, Exporter
from skiprun.experiment.finished import load_run
from skiprun.inference.output_files import refuse_existing
from skiprun.models.export.base import Format
from skiprun.models.export.formats import FORMATS
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.system.disk import check_writable


@checked_arguments
def export(
    run: Run | Path | str,
    files: Mapping[str, Path | str],
    root: Path | str | None = None,
    other_data: bool = False,
    overwrite: bool = False,
) -> list[ExportedFile]:
    """Write the best weights of a finished run, each file whole or not at all, after it was checked.

        skiprun.export("smoke", {"onnx": "smoke.onnx", "safetensors": "smoke.safetensors"})

    What a file computes is compared with the network, in fp32 on the CPU, on images of the validation split.

    Args:
        run: a finished run, by object, directory or name.
        files: by format (onnx, pt2, safetensors, state-dict), where to.
        root: where the run's data is now; None: where it was.
        other_data: check on data that is not the run's own, too.
        overwrite: replace files that are there.

    Raises:
        InputError: no such format, a package is missing, or a file would be replaced.
        SkiprunError: a file computes something else than the network; it is not written.
    """
    places = {name: Path(place) for name, place in files.items()}
    formats = {name: known_format(name) for name in places}
    check_places(list(places.values()), overwrite)
    exporter = Exporter.of(run if isinstance(run, Run) else load_run(run), root, other_data)
    return [exporter.write(formats[name], place) for name, place in places.items()]


def known_format(name: str) -> Format:
    """Return a format whose packages are there.

    Raises:
        InputError: there is no such format, or a package is missing.
    """
    if name not in FORMATS:
        raise InputError(f"No format is called '{name}'; there are {', '.join(FORMATS)}.")
    FORMATS[name].check_installed()
    return FORMATS[name]


def check_places(places: Sequence[Path], overwrite: bool) -> None:
    """Refuse files that would be replaced, and folders that cannot be written, before anything is read."""
    if not places:
        raise InputError(f"Say what is to be written: {', '.join(f'--{name} FILE' for name in FORMATS)}.")
    if len({place.absolute() for place in places}) < len(places):
        raise InputError("Two formats would be written to one file; give each its own.")
    for place in places:
        if place.is_dir():
            raise InputError(f"{place} is a folder; name a file in it.")
        check_writable(place.parent)
    refuse_existing(places, overwrite)

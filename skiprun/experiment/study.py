"""Study networks from Python, as the command of the study does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from skiprun.config import Count
from skiprun.config_file import Overrides, override_texts
from skiprun.display.anywhere import open_board
from skiprun.errors import InputError
from skiprun.experiment.study_runner.drawn_study import DrawnStudy, make_study
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, free_processes
from skiprun.experiment.study_runner.study_target import DataPlace, Shape
from skiprun.experiment.study_runner.study_targets import find_targets, find_trained
from skiprun.registry import STUDIES
from skiprun.run import RUNS, Run
from skiprun.studies.signature import needs, options
from skiprun.system.arguments import checked_arguments


@checked_arguments
def study(
    name: str,
    networks: Sequence[str | Path | Run] | str | Path | Run = (),
    *,
    protocol: Path | str | None = None,
    overrides: Overrides = (),
    seeds: Count = 3,
    input_shape: Sequence[int] | None = None,
    split: Literal["train", "val", "test"] | None = None,
    images: Count | None = None,
    batches: int | None = None,
    batch_size: Count | None = None,
    weights: Literal["best", "last", "initial"] | None = None,
    device: str | None = None,
    root: Path | str | None = None,
    other_data: bool = False,
    fresh: bool = False,
    runs: Path | str = RUNS,
    progress: bool = False,
    **chosen: object,
) -> DrawnStudy:
    """Study networks, and write what is found and its figures beside the run; what its own command does.

        found = skiprun.study("lesion", "digits-resnet56/seed-0", draws=5)
        found.verdicts, found.columns()["error"]

    Args:
        name: of `skiprun studies`.
        networks: architectures, YAML files or runs; a study of trained networks takes runs.
        protocol: the YAML file that says on which data architectures are studied; default: digits.
        overrides: for what is not trained, as `{"model.width": 4}`.
        seeds: networks to draw of what is not trained.
        input_shape: channels, height, width of random images to look at instead.
        split: train, val or test. Where this and the next are None, it is what the study's command looks at.
        images: how many to score.
        batches: how many to look at.
        batch_size: images a batch.
        weights: of a run: best, last or initial.
        device: auto, cpu or cuda; None: what the config says.
        root: where the data of runs is now; None: where it was.
        other_data: take data that is not the runs' own, too.
        fresh: forget the rows that an earlier try left.
        runs: the folder of all runs.
        progress: True shows how far it is.
        chosen: options of the study; `skiprun NAME --help` lists them.

    Raises:
        UnknownName: there is no such study.
        InputError: there is no such run, or the study needs networks.
        OptionError: an option that the study does not have, or a value that it does not take.
    """
    entry, folder = STUDIES[name], Path(runs).expanduser()
    several = [networks] if isinstance(networks, str | Path | Run) else networks
    names = [str(each.path if isinstance(each, Run) else each) for each in several]
    place, needed = DataPlace(Path(root) if root else None, other_data), needs(entry.target)
    if bool(needed) != bool(names):
        raise InputError(f"study(): '{name}' looks at {'networks; name some' if needed else 'none'}.")
    if "models" in needed:
        given, shape = Path(protocol) if protocol else None, _image_shape(input_shape)
        targets = find_targets(names, folder, given, override_texts(overrides), seeds, shape, place)
    else:
        targets = find_trained(names, folder, place)
    said: dict[str, object] = {"split": split, "images": images, "weights": weights, "device": device}
    said |= {"batches": batches, "batch_size": batch_size}
    look = {**entry.info.look, **{key: value for key, value in said.items() if value is not None}}
    if "workers" in options(entry.target):
        chosen.setdefault("workers", free_processes(device))
    request = StudyRequest(name, targets, SampleSelection(**look), chosen)  # type: ignore[arg-type]
    with open_board(progress) as board:
        return make_study(request, folder, board.loading, fresh)


def _image_shape(given: Sequence[int] | None) -> Shape | None:
    """Return a size as channels, height, width."""
    if given is None:
        return None
    if len(given) != 3:
        raise InputError(f"input_shape: found {list(given)}; it is channels, height and width.")
    channels, height, width = given
    return channels, height, width

"""Survey a dataset: read it as a run would, count, draw examples, and say what a person should know."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from skiprun.config import RunConfig
from skiprun.data import Loaders, load_data
from skiprun.errors import BadImage, counted, some
from skiprun.experiment.checks import located
from skiprun.experiment.data_record import describe_data
from skiprun.experiment.data_survey.image_files import ImageFiles, read_heads
from skiprun.experiment.data_survey.images import examples, images_by_class, told_by_colour
from skiprun.experiment.data_survey.remarks import Remark, remarks
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.reports.data_examples import draw_examples
from skiprun.run import RUNS
from skiprun.run.documents import NamedData
from skiprun.system.files import make_folder, write_bytes, write_json
from skiprun.system.logs import data_log
from skiprun.system.progress import ProgressCallback

EACH = 8  # examples of a class
KINDS = 3  # sizes of files that are named
CPU = torch.device("cpu")


@dataclass(frozen=True)
class DataSurvey:
    """What a dataset holds.

    Attributes:
        data: what a run records of it.
        images: how many of each split are of each class, or have a pixel of it.
        files: what the heads of the user's own files say, if there are some.
        remarks: what is worth knowing, suspicious things first.
        picture: the examples, if they could be written.
    """

    data: NamedData
    images: dict[str, list[int]]
    files: ImageFiles | None
    remarks: tuple[Remark, ...]
    picture: Path | None = None

    @property
    def lines(self) -> list[str]:
        """All but the counts in sentences, suspicious things first."""
        suspicious = [f"Suspicious: {remark.text}" for remark in self.remarks if remark.suspicious]
        others = [remark.text for remark in self.remarks if not remark.suspicious]
        return [*suspicious, *self._facts(), *others]

    def _facts(self) -> Iterator[str]:
        """Say sizes of files, and mean and spread of the pixels."""
        if self.files:
            sizes = [f"{w}x{h} ({n:,})" for (w, h), n in self.files.sizes.most_common()]
            read = (
                "" if self.files.total == len(self.files.kinds) else f" in {len(self.files.kinds):,} of them"
            )
            yield f"{self.files.total:,} files, {counted(len(sizes), 'size')}{read}: {some(sizes, KINDS)}."
        mean, std = (
            " ".join(f"{value:.3f}" for value in values) for values in (self.data["mean"], self.data["std"])
        )
        yield f"Pixels of train, from 0 to 1: mean {mean}, standard deviation {std}."

    def to_dict(self) -> dict[str, object]:
        """Return plain data."""
        files = self.files and {
            "total": self.files.total,
            "read": len(self.files.kinds),
            "sizes": [{"width": w, "height": h, "files": n} for (w, h), n in self.files.sizes.most_common()],
            "modes": dict(self.files.modes.most_common()),
        }
        return {
            "data": self.data,
            "images": self.images,
            "files": files,
            "remarks": [remark._asdict() for remark in self.remarks],
            "picture": str(self.picture) if self.picture else None,
        }


def survey_data(config: RunConfig, runs: Path = RUNS, progress: ProgressCallback | None = None) -> DataSurvey:
    """Read the dataset of a config and look at it; the picture is written below `runs`.

    Raises:
        DataNotFound: the dataset is not on this machine.
        ConfigError, InputError: as a run of this config would.
    """
    with_plugins(config)
    with heard() as told, located(config, "data"):
        loaders = _load(config, progress, told)
    counts, files = images_by_class(loaders), read_heads(config.data)
    colour = math.nan if loaders.task == "segmentation" else told_by_colour(loaders)
    found = [*told, *remarks(counts, loaders, files, colour, config.data)]
    ordered = tuple(sorted(found, key=lambda remark: not remark.suspicious))
    survey = DataSurvey(describe_data(config.data, loaders), counts, files, ordered)
    return written(survey, loaders, runs / "data" / config.name)


def _load(config: RunConfig, progress: ProgressCallback | None, told: list[Remark]) -> Loaders:
    """Read a dataset; where a run stops at a file that cannot be used, say so, and leave such files out."""
    division = config.split_seed, config.fold
    try:
        return load_data(config.data, CPU, progress, True, *division)
    except BadImage as error:
        told.append(Remark(f"A run of this config stops: {error}", True))
        lenient = config.data.model_copy(update={"skip_bad": True})
        return load_data(lenient, CPU, progress, True, *division)


def written(survey: DataSurvey, loaders: Loaders, folder: Path) -> DataSurvey:
    """Return a survey with its picture; both are written, or it is told that they cannot be."""
    with warn_instead():
        make_folder(folder, below=folder.parent.parent)
        picture = folder / "examples.png"
        write_bytes(picture, draw_examples(examples(loaders, EACH)).png())
        survey = replace(survey, picture=picture)
        write_json(folder / "data.json", survey.to_dict())
    return survey


@contextmanager
def heard() -> Iterator[list[Remark]]:
    """Collect what is told of the data within, instead of telling it."""
    told: list[Remark] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(Remark(record.getMessage(), getattr(record, "suspicious", False)))

    collector, before = Collector(), data_log.propagate
    data_log.addHandler(collector)
    data_log.propagate = False
    try:
        yield told
    finally:
        data_log.removeHandler(collector)
        data_log.propagate = before

"""`skiprun data`: look at a dataset before anything is trained on it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from skiprun.cli.option_groups import OutputOptions, with_groups
from skiprun.cli.options import Root, Set, apart, overrides, user_path
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, results, say, set_quiet

if TYPE_CHECKING:
    from skiprun.config import RunConfig
    from skiprun.experiment.data_survey.survey import DataSurvey

SIDE = 64  # pixels that images of a folder are brought to, for a look


@with_groups
def data(
    source: Annotated[
        list[str], typer.Argument(metavar="SOURCE", help="A YAML file, a folder of images, or a dataset.")
    ],
    *,
    set_: Set = None,
    root: Root = None,
    output: OutputOptions,
) -> None:
    """Look at a dataset before training: classes, sizes, examples as a picture, and what is suspicious.

    It is read as a run would read it; a folder may hold classes, or images and masks.
    """
    from skiprun.errors import InputError

    sources, given = apart(source, set_)
    if len(sources) != 1:
        raise InputError(f"Name one config, folder or dataset; found {', '.join(sources) or 'none'}.")
    config = data_config(sources[0], overrides(given, None, root))
    set_quiet(output.silent)

    from skiprun.experiment.data_survey.survey import survey_data

    survey = survey_data(config, output.runs, output.loading)
    if output.json:
        return emit(survey.to_dict())
    show_survey(survey)


def data_config(source: str, given: list[str]) -> RunConfig:
    """Return a config with the data that is meant: that of a file, a folder, or a dataset by its name."""
    from skiprun.config_file import build_config, load_config
    from skiprun.errors import InputError, did_you_mean
    from skiprun.registry import DATASETS

    path = user_path(source)
    if source.endswith((".yaml", ".yml")) or path.is_file():
        return load_config(path, given)
    if path.is_dir():
        masks = any((path / split / "masks").is_dir() for split in ("", "train"))
        name = "mask_folder" if masks else "image_folder"
        section = {"name": name, "root": str(path), "image_size": SIDE, "batch_size": 1}
    elif source in DATASETS:
        section = {"name": source}
    else:
        near = did_you_mean(source, [entry.name for entry in DATASETS])
        raise InputError(f"{source}: there is no such file, folder or dataset.{near}")
    called = re.sub(r"[^A-Za-z0-9._-]|^[^A-Za-z0-9]", "x", path.absolute().name)
    plain = {"name": called, "model": {"name": "resnet20"}, "schedule": {"epochs": 1}, "data": section}
    return build_config(plain, given)


def show_survey(survey: DataSurvey) -> None:
    """Print counts, statistics, remarks and the place of the picture."""
    found = survey.data
    size = "x".join(map(str, found["image_shape"]))
    results.print(f"{found['name']}: {found['num_classes']} classes, images of {size}.")
    rows = zip(found["class_names"], *survey.images.values(), strict=True)
    show_table(["class", *survey.images], [*rows, ["images", found["train"], found["val"], found["test"]]])
    results.print()
    for line in survey.lines:
        results.print(line)
    if survey.picture:
        say(f"Picture: {survey.picture}")

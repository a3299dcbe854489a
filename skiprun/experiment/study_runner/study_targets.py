"""Targets of a study: trained runs, or architectures with fresh weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.templates import DIGITS
from skiprun.config_file import split_options
from skiprun.errors import InputError
from skiprun.experiment.named import config_for, find_existing, refuse_misspelled
from skiprun.experiment.reach import check_reach
from skiprun.experiment.start_weights import with_weights_found
from skiprun.experiment.study_runner.study_target import HERE, DataPlace, Shape, StudyTarget
from skiprun.registry import MODELS
from skiprun.run import Run, nearest_run

SMALL = 32  # pixels; the 8x8 digits vanish in networks that are made for larger images


def find_trained(names: Sequence[str], runs: Path, place: DataPlace = HERE) -> list[StudyTarget]:
    """Return one target for each run that is named; all seeds of an experiment if that is named.

    Raises:
        InputError: there is no such run, or its data is not where it was.
    """
    found = [run for name in names for run in existing(name, runs)]
    homes = [run.path.parent for run in found]
    labels = [
        run.path.parent.name + f" {run.path.name}" * (homes.count(run.path.parent) > 1) for run in found
    ]
    return [place.target(label, [run]) for label, run in zip(labels, found, strict=True)]


def existing(name: str, runs: Path) -> list[Run]:
    """Return the runs of a name, or say which names are near it."""
    if found := find_existing(name, runs):
        return found
    near = nearest_run(runs / name) or " `skiprun runs` lists what is there; train it first."
    raise InputError(f"No run is called '{name}' in {runs}.{near}")


def find_targets(
    names: Sequence[str],
    runs: Path,
    protocol: Path | None = None,
    overrides: Sequence[str] = (),
    seeds: int = 1,
    shape: Shape | None = None,
    place: DataPlace = HERE,
) -> list[StudyTarget]:
    """Return one target for each name: an architecture, a YAML file, or a run with all of its seeds.

    Args:
        names: what to study.
        runs: the folder of all runs.
        protocol: the YAML file that says on which data architectures are studied; default: digits.
        overrides: `section.key=value` for what is not trained.
        seeds: networks to draw of what is not trained.
        shape: look at random normal images of this size instead.
        place: where the data is.

    Raises:
        InputError: protocol or overrides reach none of the names.
    """
    given = [f"--config {protocol}"] * (protocol is not None) + [f"--set {text}" for text in overrides]
    there = {name: found for name in names if (found := find_existing(name, runs))}
    check_reach(given, there, names)
    if place.root:
        overrides = [*overrides, f"data.root={json.dumps(str(place.root))}"]
    on_data = protocol is not None or any("data." in key for key in overrides)
    targets = []
    for name in names:
        if name in there:
            found = there[name]
            label = found[0].path.parent.name + f" {found[0].path.name}" * (
                len(found) == 1 and _has_seeds(found[0])
            )
            targets.append(place.target(label, found, shape))
            continue
        refuse_misspelled(name, runs)
        config = with_weights_found(config_for(name, protocol or DIGITS, overrides), runs)
        drawn = tuple(drawn_again(config, number) for number in range(seeds))
        chosen = on_data or name.endswith((".yaml", ".yml"))
        targets.append(
            StudyTarget(title(name), drawn, shape=shape or (None if chosen else own_shape(config)))
        )
    return targets


def drawn_again(config: RunConfig, number: int) -> RunConfig:
    """Return a config whose first weights are another draw, also where `seeds` holds them."""
    seeds = config.seeds.model_dump() | {"init": None}
    return config.replace(seed=config.seed_of("init") + number, seeds=seeds)


def _has_seeds(run: Run) -> bool:
    """Tell whether an experiment has other seeds than this run's."""
    return len(list(run.path.parent.glob("seed-*/config.yaml"))) > 1


def own_shape(config: RunConfig) -> Shape | None:
    """Return the input size of a network for large images; None if the small ones of the protocol fit it."""
    channels, height, width = MODELS[config.model.name].info.input
    return None if height <= SMALL or config.model.stem == "small" else (channels, height, width)


def title(name: str) -> str:
    """Return a name for people: resnet_cifar:depth=56,norm=none -> resnet_cifar depth 56, norm none."""
    architecture, options = split_options(name)
    return " ".join(filter(None, [architecture, ", ".join(options.split(",")).replace("=", " ")]))

"""Plan a comparison: several experiments under one protocol, each with the same seeds."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from skiprun.config import Count, RunConfig
from skiprun.config_file import Override
from skiprun.errors import ConfigError
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.named import (
    DIGITS,
    check_reach,
    config_for,
    find_existing,
    label_of,
    options_given,
    refuse_misspelled,
    widened,
)
from skiprun.experiment.planned import Planned
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.start_weights import with_known_weights
from skiprun.experiment.sweeps.arms import read_grid
from skiprun.registry import MODELS
from skiprun.results.size_match import WidthChange
from skiprun.run import RUNS, Run, refuse_one_place, refuse_repeats
from skiprun.system.arguments import checked_arguments


@checked_arguments
def plan_comparison(
    names: Sequence[str],
    protocol: Path | str | None = None,
    overrides: Sequence[str] = (),
    seeds: Count | None = None,
    runs: Path | str = RUNS,
    root: Path | str | None = None,
    prefix: str | None = None,
    widths: Mapping[str, WidthChange] | None = None,
    grid: Sequence[str] = (),
) -> list[Planned]:
    """Return what a comparison consists of.

    Args:
        names: architectures, also with options as `resnet56:connection=highway`; YAML files; run directories.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: `section.key=value` for all that is trained.
        seeds: train seeds 0..n-1; None: the seed of each config.
        runs: the folder of all runs.
        root: where the data of runs that go on is now; None: where it was.
        prefix: what the names of new runs begin with; None: the protocol's name, for architectures.
        widths: other ones of networks, by name.
        grid: `section.key=value,value`; every name is trained with every combination.

    Raises:
        InputError: two experiments would be one run, or the options reach none of the names.
    """
    runs, protocol, arms = Path(runs), protocol and Path(protocol), read_grid(grid)
    there = {name: found for name in names if (found := find_existing(name, runs))}
    reaching_all = [text for text in overrides if not (root and text.startswith("data.root="))]
    reaching_all += [Override("--grid", text) for text in grid]
    check_reach(options_given(protocol, reaching_all, seeds, prefix), there, names)
    planned: list[Planned] = []
    for name in names:
        if name in there:
            planned += [
                Planned(name, label_of_run(run), run, unfinished(run, runs, root)) for run in there[name]
            ]
            continue
        refuse_misspelled(name, runs)
        for arm in arms:
            given = [*overrides, *arm.overrides]
            config, label = config_for(name, protocol or DIGITS, given, prefix), label_of(name)
            if change := (widths or {}).get(name):
                config, label = widened(config, change), f"{label}-{label_of(change.option)}"
            if arm.settings:
                config, label = arm.called(config), f"{label} {arm.label}"
            planned += plan_seeds(name, label, config, seeds, runs)
    return distinct(planned)


def plan_seeds(name: str, label: str, config: RunConfig, seeds: int | None, folder: Path) -> list[Planned]:
    """Return the runs of one experiment.

    Args:
        name: as it was given.
        label: what people call it.
        config: of the experiment.
        seeds: seeds 0..n-1; None: that of the config.
        folder: in which its name is a directory.
    """
    drawn = [config.replace(seed=seed) for seed in (range(seeds) if seeds else [config.seed])]
    refuse_repeats(name, drawn)
    configs = [with_known_weights(with_plugins(each), folder) for each in drawn]
    return [Planned(name, f"{label} seed {each.seed}", Run.of(folder, each), each) for each in configs]


def label_of_run(run: Run) -> str:
    """Return what people call a run, by its directory: digits-plain20 seed 0."""
    return f"{run.path.parent.name} {run.path.name.replace('seed-', 'seed ')}"


def unfinished(run: Run, runs: Path, root: Path | str | None) -> RunConfig | None:
    """Return the config of a run that can go on, with the place where its data is now.

    None where it is done, busy, damaged, or not where it was trained.
    """
    if run.summary_file.exists() or run.is_locked():
        return None
    try:
        config = config_with_data(run, root)
    except ConfigError:
        return None
    return config if Run.of(runs, config).path.absolute() == run.path.absolute() else None


def distinct(planned: Sequence[Planned]) -> list[Planned]:
    """Return each run once, each under a label of its own.

    Raises:
        InputError: two experiments would be one run.
    """
    refuse_one_place((item.label, item.config) for item in planned if item.config)
    places: dict[Path, Planned] = {}
    for item in planned:
        place = item.run.path.absolute()
        if place not in places:
            taken = any(item.label == other.label for other in places.values())
            places[place] = replace(item, label=str(item.run.path)) if taken else item
        elif item.config:
            places[place] = replace(item, label=places[place].label)
    return list(places.values())


@checked_arguments
def experiment_digest(names: Sequence[str], planned: Sequence[Planned], runs: Path | str) -> str:
    """Return a short digest of what the names of a comparison leave open; nothing where they say all.

    Architectures under the default protocol are told by their names. All else is told by the places of its
    runs, each of which holds one experiment, so that a second protocol does not take the page of the first.
    """
    places = [os.path.relpath(item.run.path, runs) for item in planned]
    if all(name.partition(":")[0] in MODELS for name in names):
        usual = [config_for(name, DIGITS, ()) for name in names]
        if places == [f"{config.name}{os.sep}seed-{config.seed}" for config in usual]:
            return ""
    return blake2b("\n".join(places).encode(), digest_size=4).hexdigest()

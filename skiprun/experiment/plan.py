"""Plan a comparison: several experiments under one protocol, each with the same seeds."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.templates import DIGITS
from skiprun.config_file import Override, split_options
from skiprun.errors import ConfigError, InputError
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.folds import cross_validated, seeds_for
from skiprun.experiment.match_sizes import match_sizes
from skiprun.experiment.named import config_for, find_existing, label_of, refuse_misspelled, widened
from skiprun.experiment.planned import Planned, distinct, plan_seeds
from skiprun.experiment.reach import check_reach, options_given
from skiprun.experiment.sweeps.arms import keys_of_grid, read_grid
from skiprun.registry import MODELS
from skiprun.results.fairness import refuse_unfair
from skiprun.results.protocol import config_differences
from skiprun.results.size_match import SizeMatch, WidthChange
from skiprun.run import Run, flat
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback


@checked_arguments
def plan_comparison(
    asked: ComparisonRequest, widths: Mapping[str, WidthChange] | None = None
) -> list[Planned]:
    """Return what a comparison consists of, with other `widths` of networks by their names.

    Raises:
        InputError: two experiments would be one run, or the options reach none of the names.
    """
    runs, arms, seeds = asked.runs, read_grid(asked.grid), seeds_for(asked.folds, asked.seeds)
    there = {name: found for name in asked.names if (found := find_existing(name, runs))}
    refuse_unreached(asked, there)
    planned: list[Planned] = []
    for name in asked.names:
        if name in there:
            planned += [
                Planned(name, label_of_run(run), run, unfinished(run, runs, asked.root))
                for run in there[name]
            ]
            continue
        refuse_misspelled(name, runs)
        for arm in arms:
            given = [*asked.overrides, *arm.overrides]
            config, label = config_for(name, asked.protocol or DIGITS, given, asked.prefix), label_of(name)
            config = cross_validated(config, asked.folds)
            if change := (widths or {}).get(name):
                config, label = widened(config, change), f"{label}-{label_of(change.option)}"
            if arm.settings:
                config, label = arm.called(config), f"{label} {arm.label}"
            planned += plan_seeds(name, label, config, seeds, runs)
    return distinct(planned)


def refuse_unreached(asked: ComparisonRequest, there: Collection[str]) -> None:
    """Raise InputError for options that change nothing, as all that is named is trained already."""
    reaching_all = [text for text in asked.overrides if not (asked.root and text.startswith("data.root="))]
    reaching_all += [Override("--grid", text) for text in asked.grid]
    reaching_all += [Override("--folds", str(asked.folds))] * bool(asked.folds)
    check_reach(options_given(asked.protocol, reaching_all, asked.seeds, asked.prefix), there, asked.names)


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


@checked_arguments
def experiment_digest(names: Sequence[str], planned: Sequence[Planned], runs: Path) -> str:
    """Return a short digest of what the names of a comparison leave open; nothing where they say all.

    Architectures under the default protocol are told by their names. All else is told by the places of its
    runs, each of which holds one experiment, so that a second protocol does not take the page of the first.
    """
    places = [os.path.relpath(item.run.path, runs) for item in planned]
    if all(split_options(name)[0] in MODELS for name in names):
        usual = [config_for(name, DIGITS, ()) for name in names]
        if places == [f"{config.name}{os.sep}seed-{config.seed}" for config in usual]:
            return ""
    return blake2b("\n".join(places).encode(), digest_size=4).hexdigest()


def plan_fairly(
    asked: ComparisonRequest, loading: ProgressCallback | None
) -> tuple[list[Planned], SizeMatch | None]:
    """Return runs that differ in what they may alone, and the widths that make networks as large."""
    if asked.match and any(key.startswith("model") for key in keys_of_grid(asked.grid)):
        raise InputError(
            f"--match {asked.match} sets the size of networks, which --grid varies; leave one out."
        )
    planned = plan_comparison(asked)
    configs = {item.label: flat(item.config.to_dict()) for item in planned if item.config}
    refuse_unfair(config_differences(configs), asked.may_differ)  # before anything is trained
    if not asked.match:
        return planned, None
    matched = match_sizes(asked.match, planned, asked.runs, loading)
    return plan_comparison(asked, matched.widths), matched

"""Give what is compared one size: the width of every network but the first is scaled to that of the first."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from skiprun.config import ModelConfig, RunConfig
from skiprun.config_file import key_of, options_behind
from skiprun.errors import InputError, OptionError, percent
from skiprun.experiment.named import find_existing, label_of, shortened
from skiprun.experiment.network_sizes import NetworkSizes
from skiprun.experiment.planned import Planned
from skiprun.models.complexity.width import Width, nearest, width_of, with_width
from skiprun.registry import MODELS
from skiprun.results.grouping import home
from skiprun.results.size_match import WITHIN, WORDS, SizeKind, SizeMatch, WidthChange, is_within, off
from skiprun.system.progress import ProgressCallback

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SizedNetwork:
    """What is compared: its name as it was given, what its runs are called, the size of its network.

    Attributes:
        config: with which it is trained; None: its runs are there.
    """

    name: str
    called: str
    size: int
    config: RunConfig | None


class NotMatchedError(Exception):
    """Why a network cannot be given a size, as a sentence goes on behind its name and size."""


def match_sizes(
    kind: SizeKind,
    planned: Sequence[Planned],
    runs: Path,
    loading: ProgressCallback | None = None,
) -> SizeMatch:
    """Find the widths at which networks are as large as the first, within 2 %, and log what changes.

    Args:
        kind: what is counted: parameters, or multiply-adds for an image of the data.
        planned: what is compared; the first name is the reference.
        runs: the folder of all runs.
        loading: told of (done, total, what) while data is prepared.

    Raises:
        InputError: with each that cannot be given the size, why, and what can be done.
    """
    sizes = NetworkSizes(kind, loading)
    first, *others = [
        _contender(each, runs, sizes) for each in {item.name: item for item in planned}.values()
    ]
    if not others:
        raise InputError(f"--match {kind} scales networks to the size of the first; name two or more.")
    problems, changes = list[str](), list[WidthChange]()
    for each in others:
        try:
            changes += [] if is_within(each.size, first.size) else [_scaled(each, first.size, sizes)]
        except NotMatchedError as error:
            problems.append(f"  {each.name} has {each.size:,} ({off(each.size, first.size)}), {error}.")
    if problems:
        raise InputError(
            f"--match {kind}: not every network can have the {first.size:,} {WORDS[kind]} of {first.name} "
            f"within {percent(WITHIN)}:\n" + "\n".join(problems) + "\nThe first that is named keeps its "
            "width, and the others are scaled to it: name another first, or leave --match out."
        )
    match = SizeMatch(kind, first.called, first.size, tuple(changes))
    for sentence in match.sentences:
        log.info(sentence)
    return match


def _contender(item: Planned, runs: Path, sizes: NetworkSizes) -> SizedNetwork:
    """Return what is compared under a name, by one of its runs."""
    if found := find_existing(item.name, runs):
        return SizedNetwork(item.name, home(found[0].path).name, sizes.of_runs(found), None)
    assert item.config is not None
    return SizedNetwork(item.name, item.config.name, sizes.of_config(item.config), item.config)


def _scaled(contender: SizedNetwork, target: int, sizes: NetworkSizes) -> WidthChange:
    """Return how a network gets the size of another."""
    if (config := contender.config) is None:
        raise NotMatchedError("and is trained already; give the architecture or YAML file that it is of")
    width = _free_width(contender.name, config.model)

    @functools.cache
    def size(steps: int) -> float:
        try:
            return sizes.of_model(config, with_width(config.model, width.key, steps * width.step))
        except (OptionError, ValueError):  # such as of groups that do not divide it
            return math.nan

    steps = nearest(size, max(1, round(width.value / width.step)), target)
    new, after = steps * width.step, int(size(steps))
    if not is_within(after, target):
        near = f"{width.key}={new:.10g} has {after:,} ({off(after, target)})"
        raise NotMatchedError(f"and comes no nearer than this: {near}")
    change = WidthChange(contender.name, "", width.key, width.value, new, contender.size, after)
    return replace(change, network=shortened(f"{contender.called}-{label_of(change.option)}"))


def _family(model: ModelConfig) -> list[str]:
    """Return the names of the architectures that a network is listed with."""
    family = MODELS[model.name].info.family
    return [entry.name for entry in MODELS if entry.info.family == family]


def _free_width(name: str, model: ModelConfig) -> Width:
    """Return the width of a network, if it may be scaled."""
    if (width := width_of(model)) is None:
        free = (each for each in _family(model) if width_of(ModelConfig(name=each)))
        instead = next((f"; {each} has one" for each in free), "")
        raise NotMatchedError(f"and no width that could be scaled{instead}")
    if f"model.{width.key}" in map(key_of, options_behind(name)):
        raise NotMatchedError(f"and says its width itself; leave {width.key} out")
    if model.weights:
        raise NotMatchedError("and starts from weights, which have one width; leave model.weights out")
    return width

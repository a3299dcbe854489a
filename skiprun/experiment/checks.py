"""Refuse a config whose names do not exist or do not fit each other, by the place in its file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from torch import nn

from skiprun.config import RunConfig
from skiprun.config_file import refuse_contradictions
from skiprun.errors import ConfigError, OptionError, UnknownName, explain_out_of_memory
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.unused_keys import refuse_unused
from skiprun.models import SMALLER_NETWORK, check_from_config
from skiprun.models.complexity.meta import run_on_meta
from skiprun.registry import CONNECTIONS, DATASETS, MODELS, PROBES, Registry


def check_config(config: RunConfig, new: bool, given_weights: bool = True) -> None:
    """Refuse what can be told before a device is asked for and data is read; see `prepare`."""
    refuse_contradictions(config)
    check_names(config)
    if new:
        refuse_unused(config)
    with building(config):
        check_from_config(config.model, given_weights)


def check_names(config: RunConfig) -> None:
    """Import the plug-ins of a config, look every name up, and report all that do not exist."""
    with_plugins(config)
    wanted: list[tuple[str, Registry, str]] = [
        ("model.name", MODELS, config.model.name),
        ("data.name", DATASETS, config.data.name),
    ]
    wanted += [("probes", PROBES, name) for name in config.probes]
    if config.model.connection is not None:
        wanted.append(("model.connection", CONNECTIONS, config.model.connection))
    wanted += [("model.connections", CONNECTIONS, name) for name in (config.model.connections or {}).values()]
    problems = []
    for key, registry, name in wanted:
        try:
            registry[name]
        except UnknownName as error:
            problems.append(f"{config.place(key)}: {error}")
        else:
            if config.compute.activation_checkpointing and key == "probes" and registry[name].target.hooks:
                why = "which would see each block twice; not with compute.activation_checkpointing"
                problems.append(f"{config.place(key)}: found '{name}', {why}")
    if problems:
        raise ConfigError(problems)


def check_task(config: RunConfig, task: str) -> None:
    """Refuse a network that was made for another kind of target than the dataset has."""
    made_for = MODELS[config.model.name].info.task
    if made_for != task:
        have = {"classification": "one label an image", "segmentation": "masks"}
        raise ConfigError(
            [
                f"{config.place('model.name')}: '{config.model.name}' learns {have[made_for]}, and dataset "
                f"'{config.data.name}' has {have[task]}; choose another of the two"
            ]
        )


def check_batch(config: RunConfig, model: nn.Module, shape: Sequence[int]) -> None:
    """Refuse batches of one image where a network normalizes over a batch of single pixels."""
    parts = config.optim.accumulate
    if config.data.batch_size > parts:
        return
    try:
        run_on_meta(model, (1, *shape))
    except ValueError:
        raise ConfigError(
            [
                f"{config.place('data.batch_size')}: found {config.data.batch_size}, with optim.accumulate "
                f"{parts} one image at a time, over which '{config.model.name}' cannot normalize; "
                f"use {2 * parts} or more"
            ]
        ) from None


@contextlib.contextmanager
def building(config: RunConfig) -> Iterator[None]:
    """Let errors of a network that is built within name the key, or say that memory ran out there."""
    with explain_out_of_memory("while the network is built", SMALLER_NETWORK), located(config, "model"):
        yield


@contextlib.contextmanager
def located(config: RunConfig, section: str) -> Iterator[None]:
    """Add the place in the file to what a part says of its options."""
    try:
        yield
    except OptionError as error:
        raise ConfigError([f"{config.place(f'{section}.{error.key}')}: {error.problem}"]) from None

"""What can be counted of one architecture: its blocks, its options, what it saves against another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from skiprun.config_file import build_config, options_behind, split_options
from skiprun.errors import InputError
from skiprun.models.complexity.rows import BlockRow
from skiprun.system.network_graph import NetworkGraph

if TYPE_CHECKING:
    from torch import nn

    from skiprun.config import ModelConfig
    from skiprun.models.option_rows import OptionRow


Row = Mapping[str, object]


def blocks(name: str, input_shape: Sequence[int] | None = None) -> list[BlockRow]:
    """Return the block table of an architecture."""
    from skiprun.models.complexity.table import block_table

    return block_table(*build_without_content(name, input_shape))


def graph(name: str, input_shape: Sequence[int] | None = None) -> NetworkGraph:
    """Return the graph of an architecture: its layers and sites, and what feeds which."""
    from skiprun.models.complexity.graph import network_graph

    architecture, options = split_options(name)
    return network_graph(*build_without_content(name, input_shape), architecture, options.replace(",", ", "))


def list_options(name: str) -> list[OptionRow]:
    """Return the options of an architecture and of its connection, with types, defaults and meanings."""
    from skiprun.models.option_rows import network_options

    return network_options(_config(name))


def saving(
    name: str, against: str = "standard", input_shape: Sequence[int] | None = None
) -> tuple[Sequence[Row], Row]:
    """Return how many times less an architecture costs than another: rows, and one for all.

    Args:
        name: an architecture, perhaps with options.
        against: another, compared by stage; or `standard`, the same with standard convolutions instead of
            depthwise separable ones, compared by layer (see skiprun.models.complexity.saving).
        input_shape: channels, height and width for both; None takes what `name` was made for.
    """
    from skiprun.models.complexity.saving import stage_saving, standard_saving

    model, shape = build_without_content(name, input_shape)
    if against != "standard":
        return stage_saving(model, build_without_content(against, shape)[0], shape)
    rows, total = standard_saving(model, shape)
    if not rows:
        raise InputError(
            f"{name} has no depthwise separable convolutions, as mobilenet_v1 has; "
            "compare it with --against NAME."
        )
    return rows, total


def build_without_content(
    name: str, input_shape: Sequence[int] | None = None
) -> tuple[nn.Module, Sequence[int]]:
    """Build an architecture without content; return the size of the images that it is for, too.

    Args:
        name: an architecture, perhaps with options as `resnet56:connection=highway`.
        input_shape: channels, height and width; None takes what it was made for.
    """
    from skiprun.models import build_from_config
    from skiprun.models.complexity.meta import without_content
    from skiprun.registry import MODELS

    config = _config(name)
    shape = input_shape or MODELS[config.name].info.input
    with without_content():
        return build_from_config(config, in_channels=shape[0]), shape


def _config(name: str) -> ModelConfig:
    """Return the config of an architecture, perhaps with options as `resnet56:connection=highway`."""
    around = {
        "model": {"name": split_options(name)[0]},
        "data": {"name": "digits"},
        "schedule": {"epochs": 1},
    }
    return build_config(around, options_behind(name), source=name).model

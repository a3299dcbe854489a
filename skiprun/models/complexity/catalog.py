"""A cached catalog of the models, keyed by version and sources, so that listing needs no torch.

Only where the cache knows too little are the networks built, on torch's meta device, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from typing import TYPE_CHECKING

from skiprun.config_file import build_config, options_behind
from skiprun.errors import InputError
from skiprun.models.complexity.catalog_cache import read_catalog, write_catalog
from skiprun.models.complexity.rows import BlockRow, Catalog, ModelRow
from skiprun.system.network_graph import NetworkGraph
from skiprun.system.progress import ProgressCallback

if TYPE_CHECKING:
    from torch import nn

    from skiprun.config import ModelConfig
    from skiprun.models.option_rows import OptionRow


Row = Mapping[str, object]


def describe_models(
    pattern: str = "*", input_shape: Sequence[int] | None = None, progress: ProgressCallback | None = None
) -> list[ModelRow]:
    """Return a row for every architecture whose name matches a wild card.

    Args:
        pattern: a name with * and ?.
        input_shape: channels, height and width to count for; None takes each architecture's own.
        progress: told (done, total, what) while networks are counted, which takes some seconds when the cache
            is cold.
    """
    known = _catalog()
    size = "x".join(map(str, input_shape)) if input_shape else "own"
    names = [name for name in known["names"] if fnmatch(name, pattern)]
    missing = [name for name in names if f"{name} {size}" not in known["rows"]]
    for done, name in enumerate(missing, start=1):
        known["rows"][f"{name} {size}"] = describe_model(name, input_shape)
        if progress:
            progress(done, len(missing), "networks counted")
    if missing:
        write_catalog(known)
    return [known["rows"][f"{name} {size}"] for name in names]


def describe_model(name: str, input_shape: Sequence[int] | None = None) -> ModelRow:
    """Build one architecture without content, and return its row."""
    from skiprun.connections import sites
    from skiprun.models import build_model, cost
    from skiprun.models.complexity.meta import without_content
    from skiprun.models.surgery import connections_that_fit
    from skiprun.registry import MODELS

    entry = MODELS[name]
    shape = tuple(input_shape or entry.info.input)
    with without_content():
        model = build_model(name, in_channels=shape[0])
    row: ModelRow = {
        "name": name,
        "task": entry.info.task,
        "summary": entry.summary,
        "family": entry.info.family,
        "year": entry.info.year,
        "paper": entry.info.paper,
        "connection": entry.info.connection,
        "connections": connections_that_fit(entry),
        "sites": len(sites(model)),
        "input": list(shape),
        "parameters": sum(each.numel() for each in model.parameters()),
        "macs": None,
        "activation_bytes": None,
        "layers": None,
        "problem": None,
    }
    try:
        found = cost(model, shape)
    except InputError as error:
        return {**row, "problem": str(error)}
    layers = entry.info.layers or found.layers
    return {**row, "macs": found.macs, "activation_bytes": found.activation_bytes, "layers": layers}


def blocks(name: str, input_shape: Sequence[int] | None = None) -> list[BlockRow]:
    """Return the block table of an architecture."""
    from skiprun.models.complexity.table import block_table

    return block_table(*build_without_content(name, input_shape))


def graph(name: str, input_shape: Sequence[int] | None = None) -> NetworkGraph:
    """Return the graph of an architecture: its layers and sites, and what feeds which."""
    from skiprun.models.complexity.graph import network_graph

    architecture, _, options = name.partition(":")
    return network_graph(*build_without_content(name, input_shape), architecture, options.replace(",", ", "))


def options(name: str) -> list[OptionRow]:
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
        "model": {"name": name.partition(":")[0]},
        "data": {"name": "digits"},
        "schedule": {"epochs": 1},
    }
    return build_config(around, options_behind(name), source=name).model


def model_names() -> list[str]:
    """Return the names of all architectures."""
    return _catalog()["names"]


def _catalog() -> Catalog:
    """Return what is known of the architectures; where nothing is, the names alone, and they are kept.

    Names are given in loops too, which no reader of sources understands, so that torch is imported for them.
    """
    if (known := read_catalog()) is None:
        from skiprun.registry import MODELS

        known = {"names": MODELS.names(), "rows": {}}
        write_catalog(known)
    return known

"""A cached catalog of the models, keyed by version and sources, so that listing needs no torch.

Only where the cache knows too little are the networks built, on torch's meta device, and counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch

from skiprun.config.fields import SOURCES
from skiprun.errors import InputError
from skiprun.models.complexity.catalog_cache import read_catalog, write_catalog
from skiprun.models.complexity.rows import Catalog, ModelRow
from skiprun.system.progress import ProgressCallback


def describe_models(
    pattern: str = "*", input_shape: Sequence[int] | None = None, progress: ProgressCallback | None = None
) -> list[ModelRow]:
    """Return a row for every architecture whose name matches a wild card.

    Args:
        pattern: a name with * and ?; or an architecture of another package, as `timm:resnet18`.
        input_shape: channels, height and width to count for; None takes each architecture's own.
        progress: told (done, total, what) while networks are counted, which takes some seconds when the cache
            is cold.
    """
    if pattern.partition(":")[0] in SOURCES:  # of other packages, which name too many to be listed
        return [describe_model(pattern, input_shape)]
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

"""Find the stem, stages and head of any network from its modules, so that a config can name them.

The stem is the first weighted layer and what follows it without weights; the head is the last weighted layer.
In between, a stage begins where a container of blocks begins, where a stride halves the size, and behind a
pooling.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from skiprun.models.layers.block import Block

Units = dict[str, nn.Module]
WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
POOLING = (nn.MaxPool2d, nn.AvgPool2d)


def stages(model: nn.Module) -> dict[str, Units]:
    """Return the parts of a network by name, stem, stage1 ... and head, each with its modules by path."""
    units = dict(_units(model))
    last = [path for path, unit in units.items() if _holds(unit, *WEIGHTED)][-1]
    parts: dict[str, Units] = {"stem": {}}
    name = "stem"
    for path, unit in units.items():
        if path == last:
            name = "head"
        elif name != "head" and _begins(parts[name], path, unit, name == "stem"):
            name = f"stage{len(parts)}"
        parts.setdefault(name, {})[path] = unit
    return parts


def _units(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules that a network's figure shows: its children, with `features` and lists opened."""
    for name, child in model.named_children():
        if name == "features" or isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from ((f"{name}.{inner}", each) for inner, each in child.named_children())
        else:
            yield name, child


def _begins(stage: Units, path: str, unit: nn.Module, stem: bool) -> bool:
    """Tell whether a unit begins a new stage after those of the one before."""
    if not _holds(unit, *WEIGHTED) or not any(_holds(each, *WEIGHTED) for each in stage.values()):
        return False
    listed = path.split(".")[0] != "features" and "." in path
    pooled = any(_holds(each, *POOLING) for each in stage.values())
    if stem or listed or pooled or _strided(unit):
        return True
    return _holds_blocks(unit) and any(_holds_blocks(each) for each in stage.values())


def _holds_blocks(unit: nn.Module) -> bool:
    return not isinstance(unit, Block) and _holds(unit, Block)


def _holds(unit: nn.Module, *kinds: type[nn.Module]) -> bool:
    return any(isinstance(module, kinds) for module in unit.modules())


def _strided(unit: nn.Module) -> bool:
    return any(isinstance(module, nn.Conv2d) and module.stride[0] > 1 for module in unit.modules())

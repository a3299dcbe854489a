"""The table of a network as papers print it: one row a block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TypeAlias

from torch import Tensor, nn

from skiprun.connections import sites
from skiprun.models.complexity.meta import Counter, run_on_meta
from skiprun.models.complexity.rows import BlockRow, LayerRow
from skiprun.models.layers.block import Block
from skiprun.models.stages import stages
from skiprun.registry import CONNECTIONS

Nested: TypeAlias = "Tensor | Sequence[Nested] | Mapping[str, Nested]"


def block_table(model: nn.Module, input_shape: Sequence[int]) -> list[BlockRow]:
    """Return a row for each block of a network, from the input to the output, counted for one image.

    Args:
        model: on any device; it is not changed.
        input_shape: channels, height and width.
    """
    names = {entry.target: entry.name for entry in CONNECTIONS}
    numbers = {path: number for number, path in enumerate(sites(model))}
    stage_of = {path: stage for stage, units in stages(model).items() for path in units}
    rows: list[BlockRow] = []
    for path, seen in watched(model, dict(blocks_of(model)), input_shape).items():
        inside = {name: each for name, each in sites(model).items() if f"{name}.".startswith(f"{path}.")}
        if seen["parameters"] == 0 and seen["input"] == seen["output"] and not inside:
            continue
        stage = next(stage for unit, stage in stage_of.items() if f"{path}.".startswith(f"{unit}."))
        kinds = dict.fromkeys(names[type(each)] for each in inside.values())
        numbered, joined = [numbers[name] for name in inside], ", ".join(kinds) or None
        rows.append({"stage": stage, "block": path, **seen, "sites": numbered, "connection": joined})
    return rows


def blocks_of(model: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules that make a row: blocks, and whatever holds none; plain containers are opened."""
    for name, child in model.named_children():
        opened = (
            type(child) is nn.Sequential
            or isinstance(child, nn.ModuleList | nn.ModuleDict)
            or any(isinstance(each, Block) for each in child.modules())
        )
        if isinstance(child, Block) or not opened:
            yield path + name, child
        else:
            yield from blocks_of(child, f"{path}{name}.")


def watched(
    model: nn.Module, modules: dict[str, nn.Module], input_shape: Sequence[int]
) -> dict[str, LayerRow]:
    """Run a network without content; return kind, shapes, parameters and multiply-adds of some modules."""
    rows: dict[str, LayerRow] = {}
    begun: dict[str, int] = {}
    counter = Counter()

    def before(path: str, _module: nn.Module, _inputs: Nested) -> None:
        begun[path] = counter.macs

    def after(path: str, module: nn.Module, inputs: Nested, output: Nested) -> None:
        rows[path] = {
            "kind": type(module).__name__,
            "input": _output_shape(inputs),
            "output": _output_shape(output),
            "parameters": sum(each.numel() for each in module.parameters()),
            "macs": (counter.macs - begun[path]) // 2,  # two images were run
        }

    hooks = [each.register_forward_pre_hook(partial(before, path)) for path, each in modules.items()]
    hooks += [each.register_forward_hook(partial(after, path)) for path, each in modules.items()]
    try:
        with counter:
            run_on_meta(model, (2, *input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    return rows


def _output_shape(given: Nested) -> list[int]:
    """Return the shape of a tensor, or of the first one in what holds several, without the batch."""
    while not isinstance(given, Tensor):
        given = next(iter(given.values() if isinstance(given, Mapping) else given))
    return list(given.shape[1:])

"""Cost ratio of two networks: against the twin with standard convolutions, or against any other.

A depthwise k x k and a pointwise 1x1 convolution from M to N channels take 1/N + 1/k^2 of the multiply-adds
of a standard convolution (Howard et al. 2017, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from torch import nn

from skiprun.models.complexity.cost import weighted_layers
from skiprun.models.complexity.rows import BlockRow, LayerRow, SavingRow, SavingTotal, StageRow
from skiprun.models.complexity.table import block_table, watched

Size = tuple[int, int]


def standard_saving(model: nn.Module, input_shape: Sequence[int]) -> tuple[list[SavingRow], SavingTotal]:
    """Return what depthwise separable convolutions save against standard ones of the same shape.

    Args:
        model: on any device; it is not changed.
        input_shape: channels, height and width.

    Returns:
        A row for each pair of layers, and one for the whole network.
    """
    layers = weighted_layers(model)
    seen = watched(model, layers, input_shape)
    rows = [
        _saving(
            first, depthwise, pointwise, seen[first]["macs"] + seen[second]["macs"], seen[second]["output"]
        )
        for first, depthwise, second, pointwise in _pairs(layers, seen)
    ]
    macs = sum(row["macs"] for row in seen.values())
    parameters = sum(each.numel() for each in model.parameters())
    standard_macs = macs + sum(row["standard_macs"] - row["macs"] for row in rows)
    return rows, {
        "layer": "all",
        "macs": macs,
        "parameters": parameters,
        "factor": standard_macs / macs,
        "standard_macs": standard_macs,
        "standard_parameters": parameters
        + sum(row["standard_parameters"] - row["parameters"] for row in rows),
    }


def _pairs(
    layers: dict[str, nn.Module], seen: dict[str, LayerRow]
) -> Iterator[tuple[str, nn.Conv2d, str, nn.Conv2d]]:
    """Yield each depthwise convolution and the pointwise one that reads its output, behind their paths."""
    ran = {path: layer for path in seen if isinstance(layer := layers[path], nn.Conv2d)}
    waiting = None
    for path, layer in ran.items():
        if layer.groups == layer.in_channels > 1:
            waiting = path
        # Squeeze and excitation stand between the two in some networks; they see one pixel.
        elif waiting and layer.kernel_size == (1, 1) and seen[path]["input"] == seen[waiting]["output"]:
            yield waiting, ran[waiting], path, layer
            waiting = None


def _saving(path: str, depthwise: nn.Conv2d, pointwise: nn.Conv2d, macs: int, output: list[int]) -> SavingRow:
    """Return what one pair saves, by its multiply-adds and the shape of what it returns."""
    height, width = output[1:]
    kernel = depthwise.kernel_size
    standard = depthwise.in_channels * pointwise.out_channels * kernel[0] * kernel[1]
    return {
        "layer": path,
        "kernel": list(kernel),
        "channels": [depthwise.in_channels, pointwise.out_channels],
        "output": [height, width],
        "macs": macs,
        "standard_macs": standard * height * width,
        "factor": standard * height * width / macs,
        "parameters": depthwise.weight.numel() + pointwise.weight.numel(),
        "standard_parameters": standard,
    }


def stage_saving(
    model: nn.Module, other: nn.Module, input_shape: Sequence[int]
) -> tuple[list[StageRow], StageRow]:
    """Return how many times fewer multiply-adds a network takes than another for the same images.

    Returns:
        A row for each stage (stem, stage1 ..., head) of either, with None where one of them has no such
        stage, and the row `all` for the whole networks.
    """
    ours, others = (_stages(block_table(each, input_shape)) for each in (model, other))
    rows = [_against(stage, ours.get(stage), others.get(stage)) for stage in max(ours, others, key=len)]
    return rows, _against("all", _summed(ours.values()), _summed(others.values()))


def _stages(rows: Sequence[BlockRow]) -> dict[str, Size]:
    """Return multiply-adds and parameters of each stage of a block table."""
    names = dict.fromkeys(row["stage"] for row in rows)
    return {
        name: _summed((row["macs"], row["parameters"]) for row in rows if row["stage"] == name)
        for name in names
    }


def _summed(sizes: Iterable[Size]) -> Size:
    macs, parameters = zip(*sizes, strict=True)
    return sum(macs), sum(parameters)


def _against(stage: str, ours: Size | None, others: Size | None) -> StageRow:
    """Return one row of two networks."""
    macs, parameters = ours or (None, None)
    other_macs, other_parameters = others or (None, None)
    return {
        "stage": stage,
        "macs": macs,
        "other_macs": other_macs,
        "factor": other_macs / macs if macs and other_macs else None,
        "parameters": parameters,
        "other_parameters": other_parameters,
    }

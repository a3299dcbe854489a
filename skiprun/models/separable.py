"""What depthwise separable convolutions save against standard ones of the same shape.

A depthwise k x k and a pointwise 1x1 convolution from M to N channels take 1/N + 1/k^2 of the multiply-adds of a
standard convolution (Howard et al. 2017, section 3.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import nn

from skiprun.models.cost import weighted_layers
from skiprun.models.table import watched

Row = dict[str, Any]


def separable_saving(model: nn.Module, input_shape: Sequence[int]) -> tuple[list[Row], Row]:
    """Return what depthwise separable convolutions save against standard ones of the same shape.

    Args:
        model: on any device; it is not changed.
        input_shape: channels, height and width.

    Returns:
        A row for each pair of layers: layer (path of the depthwise one), kernel, channels (in and out), output (height
        and width), macs, parameters, standard_macs, standard_parameters, factor (how many times fewer multiply-adds).
        And a row for the whole network: macs, parameters, factor, standard_macs, standard_parameters.
    """
    layers: dict[str, Any] = weighted_layers(model)
    seen = watched(model, layers, input_shape)
    rows: list[Row] = [
        {"layer": first} | _saving(layers[first], layers[second], seen[first], seen[second])
        for first, second in _pairs(layers, seen)
    ]
    macs = sum(row["macs"] for row in seen.values())
    parameters = sum(each.numel() for each in model.parameters())
    standard = {
        "standard_macs": macs + sum(row["standard_macs"] - row["macs"] for row in rows),
        "standard_parameters": parameters + sum(row["standard_parameters"] - row["parameters"] for row in rows),
    }
    return rows, {"macs": macs, "parameters": parameters, "factor": standard["standard_macs"] / macs} | standard


def _pairs(layers: dict[str, nn.Module], seen: dict[str, Row]) -> Iterator[tuple[str, str]]:
    """Yield the paths of each depthwise convolution and of the pointwise one that reads its output."""
    ran = {path: layer for path in seen if isinstance(layer := layers[path], nn.Conv2d)}
    waiting = None
    for path, layer in ran.items():
        if layer.groups == layer.in_channels > 1:
            waiting = path
        # Squeeze and excitation stand between the two in some networks; they see one pixel.
        elif waiting and layer.kernel_size == (1, 1) and seen[path]["input"] == seen[waiting]["output"]:
            yield waiting, path
            waiting = None


def _saving(depthwise: nn.Conv2d, pointwise: nn.Conv2d, first: Row, second: Row) -> Row:
    """Return what one pair saves."""
    height, width = second["output"][1:]
    kernel = depthwise.kernel_size
    standard = depthwise.in_channels * pointwise.out_channels * kernel[0] * kernel[1]
    macs = first["macs"] + second["macs"]
    return {
        "kernel": list(kernel),
        "channels": [depthwise.in_channels, pointwise.out_channels],
        "output": [height, width],
        "macs": macs,
        "standard_macs": standard * height * width,
        "factor": standard * height * width / macs,
        "parameters": depthwise.weight.numel() + pointwise.weight.numel(),
        "standard_parameters": standard,
    }

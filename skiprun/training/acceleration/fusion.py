"""Replace batch norm, addition, ReLU and 3x3 convolutions of a network by fused CPU operations.

Each batch normalization, the addition and the ReLU behind it become one operation: they are limited by
memory, and one operation goes over it twice where the layers one by one go over it four times, each way.
Convolutions of 3x3, which are limited by multiplications, take fewer of them. Networks are written as always;
torch.fx finds the places.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from skiprun.models.layers.encoder_decoder import pad_to_multiple
from skiprun.system.torch_internals import has_hooks
from skiprun.training.acceleration.kernels.library import prepare_kernels
from skiprun.training.acceleration.kernels.norm import NormJoinReLU
from skiprun.training.acceleration.kernels.winograd import WinogradConv2d, is_supported

ADDITIONS = (operator.add, torch.add)
RELUS = (F.relu, torch.relu)
STOCHASTIC_DEPTH = "torchvision.ops.stochastic_depth"  # not imported: half a second


class FusionTracer(fx.Tracer):
    """Writes down what a network calls; what looks at its input's size is one call, and not looked into."""

    def __init__(self) -> None:
        super().__init__(autowrap_functions=(pad_to_multiple,))

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a module is one call: torch's own ones, every batch norm, and stochastic depth."""
        ours = isinstance(m, nn.BatchNorm2d) or type(m).__module__ == STOCHASTIC_DEPTH
        return ours or super().is_leaf_module(m, module_qualified_name)


def fuse(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return a network's pass in training, on its own parameters and buffers, fused where that is possible.

    Raises:
        SkiprunError: the operations cannot be compiled here.
        Exception: of torch.fx, for a network whose calls depend on its input.
    """
    prepare_kernels()
    traced = fx.GraphModule(model, FusionTracer().trace(model))
    for number, node in enumerate(list(traced.graph.nodes)):
        layer = traced.get_submodule(node.target) if node.op == "call_module" else None
        if layer is None or has_hooks(layer):
            continue
        if _is_plain(layer):
            _fuse_from(traced, node, f"fused{number}")
        elif is_supported(layer):
            traced.add_submodule(f"winograd{number}", WinogradConv2d(layer))
            node.target = f"winograd{number}"
    traced.graph.lint()
    traced.recompile()
    return traced


def _fuse_from(traced: fx.GraphModule, norm: fx.Node, name: str) -> None:
    """Replace a normalization, and what follows it alone, by one operation."""
    replaced, skip, relu = [norm], None, False
    if (
        (user := _only_user(norm))
        and user.target in ADDITIONS
        and len(user.all_input_nodes) == 2
        and not user.kwargs
    ):
        replaced.append(user)
        skip = next(node for node in user.all_input_nodes if node is not norm)
    if (user := _only_user(replaced[-1])) and _is_relu(traced, user):
        replaced.append(user)
        relu = True
    last, users = replaced[-1], list(replaced[-1].users)
    copies = 2 if len(users) == 2 else 1
    layer = traced.get_submodule(str(norm.target))
    assert isinstance(layer, nn.BatchNorm2d)
    traced.add_submodule(name, NormJoinReLU(layer, relu, copies))
    with traced.graph.inserting_before(last):
        fused = traced.graph.call_module(name, (norm.args[0], skip))
        results = (
            [traced.graph.call_function(operator.getitem, (fused, i)) for i in range(2)]
            if copies == 2
            else [fused]
        )
    for number, user in enumerate(users):
        user.replace_input_with(last, results[number % copies])
    for node in reversed(replaced):
        traced.graph.erase_node(node)


def _is_plain(layer: nn.Module) -> bool:
    """Tell whether a layer is a batch normalization that does all that one does in training."""
    return (
        type(layer) is nn.BatchNorm2d
        and layer.training
        and layer.affine
        and layer.track_running_stats
        and layer.momentum is not None
        and layer.weight.dtype == torch.float32
    )


def _only_user(node: fx.Node) -> fx.Node | None:
    """Return what uses a node, if that is one."""
    return next(iter(node.users)) if len(node.users) == 1 else None


def _is_relu(traced: fx.GraphModule, node: fx.Node) -> bool:
    if node.op == "call_module":
        return type(traced.get_submodule(str(node.target))) is nn.ReLU
    return node.op == "call_function" and node.target in RELUS

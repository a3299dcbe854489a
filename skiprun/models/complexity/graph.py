"""The graph of a network: its weighted layers and connection sites, and what feeds which.

It is read from a run without content: what autograd records leads from the input of each layer back to the
layers and sites that it was computed from. So the graph is that of the forward pass, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from skiprun.connections import Connection, sites
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.models.complexity.meta import Shortcuts, run_on_meta
from skiprun.models.complexity.table import blocks_of
from skiprun.models.stages import stages
from skiprun.registry import CONNECTIONS
from skiprun.system.network_graph import GraphNode, NetworkGraph


def network_graph(model: nn.Module, input_shape: Sequence[int], name: str, detail: str = "") -> NetworkGraph:
    """Return the graph of a network; the model is left as it was.

    Args:
        model: on any device.
        input_shape: channels, height and width of an image.
        name: of the architecture.
        detail: its options, or the run that trained it.

    Raises:
        InputError: such images do not pass through the network.
    """
    trace = Trace(model)
    watched = trace.watched.items()
    hooks = [each.register_forward_pre_hook(partial(trace.enter, path)) for path, each in watched]
    hooks += [each.register_forward_hook(partial(trace.leave, path)) for path, each in watched]
    try:
        with Shortcuts():
            run_on_meta(model, (2, *input_shape))
    finally:
        for hook in hooks:
            hook.remove()
    nodes = list(trace.nodes.values())
    return {
        "name": name,
        "detail": detail,
        "input": list(input_shape),
        "layers": len(trace.layers),
        "parameters": sum(each.numel() for each in model.parameters()),
        "blocks": {each["block"]: type(trace.blocks[each["block"]]).__name__ for each in nodes},
        "formulas": {
            each["kind"]: CONNECTIONS[each["kind"]].info.formula for each in nodes if each["site"] is not None
        },
        "nodes": nodes,
    }


class Trace:
    """Follows a forward pass through the blocks, layers and sites of a network."""

    def __init__(self, model: nn.Module) -> None:
        self.blocks, self.layers = dict(blocks_of(model)), layers_by_depth(model)
        self.shapes = {path: layer.get_parameter("weight").shape for path, layer in self.layers.items()}
        self.numbers = {path: number for number, path in enumerate(sites(model))}
        self.watched = {**self.blocks, **self.layers, **sites(model)}
        self.nodes: dict[str, GraphNode] = {}
        self._stages = {path: stage for stage, units in stages(model).items() for path in units}
        self._connections = {entry.target: entry.name for entry in CONNECTIONS}
        self._made: dict[Node, str] = {}  # what autograd recorded last of the result of each node
        self._given: dict[str, torch.Size | None] = {}  # shape of what each block was given

    def enter(self, path: str, module: nn.Module, inputs: tuple[object, ...]) -> None:
        """Begin a layer or a site with what its inputs were computed from."""
        if path in self.blocks:
            self._given[path] = inputs[0].shape if isinstance(inputs[0], Tensor) else None
        if isinstance(module, Connection):
            self._begin(path, self._connections[type(module)], inputs[1])
            if module.uses_shortcut:
                self._add_shortcut(self.nodes[path], inputs[0])
            self.nodes[path]["site"] = self.numbers[path]
        elif path in self.layers:
            self._begin(path, type(module).__name__, inputs[0])
            self.nodes[path]["weight"] = list(self.shapes[path])
        if path in self.nodes:
            self.nodes[path]["parameters"] = sum(each.numel() for each in module.parameters())

    def leave(self, path: str, _module: nn.Module, _inputs: object, output: object) -> None:
        """End a layer, a site or a block; a block that joined tensors without a site becomes a node."""
        if not isinstance(output, Tensor) or output.grad_fn is None:
            return
        if path not in self.nodes:
            if len(self._origins(output)) < 2:
                return
            self._begin(path, "join", output)
        self.nodes[path]["output"] = list(output.shape[1:])
        self._made[output.grad_fn] = path

    def _begin(self, path: str, kind: str, made_of: object) -> None:
        """Add a node of which all but its sources is still to be said."""
        block = _nearest(path, self.blocks)
        self.nodes[path] = {
            "path": path,
            "kind": kind,
            "site": None,
            "block": block,
            "stage": self._stages[_nearest(block, self._stages)],
            "weight": [],
            "parameters": 0,
            "output": [],
            "sources": self._origins(made_of),
            "shortcut": [],
            "projected": False,
        }

    def _add_shortcut(self, site: GraphNode, x: object) -> None:
        """Say what x was computed from, and whether the block changed its shape."""
        site["shortcut"] = self._origins(x)
        given = self._given[site["block"]]
        site["projected"] = isinstance(x, Tensor) and given is not None and x.shape != given

    def _origins(self, tensor: object) -> list[str]:
        """Return the nodes that a tensor was computed from, the last ones on each way, in their order."""
        waiting = [tensor.grad_fn] if isinstance(tensor, Tensor) else []
        seen, found = set[Node | None](), set[str]()
        while waiting:
            if (node := waiting.pop()) in self._made:
                found.add(self._made[node])
            elif node is not None and node not in seen:
                waiting.extend(before for before, _ in node.next_functions)
            seen.add(node)
        return [path for path in self.nodes if path in found]


def _nearest(path: str, among: Container[str]) -> str:
    """Return a module's path, or that of the nearest module around it that is among some."""
    while path not in among:
        path = path.rpartition(".")[0]
    return path

"""Weights to start from: torchvision's, a state dict in a file, or those of a finished run.

Whatever the file is, it is read as plain tensors and nothing in it is executed. A head for other classes and
connections of another kind stay as they were drawn, a first layer for other channels is made from the given one, and
the report says so; any other difference means another architecture, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from skiprun.config import ModelConfig
from skiprun.errors import CheckpointError, some
from skiprun.models.cost import weighted_layers
from skiprun.models.stages import stages
from skiprun.models.weightfile import read_weights

COUNT = "num_batches_tracked"


@dataclass(frozen=True)
class WeightReport:
    """What was found in given weights.

    Attributes:
        source: where they came from.
        matched: names of the tensors that were taken.
        fresh: names of the tensors that stay as they were drawn, with the reason.
        made: names of the tensors that were made from given ones, and how.
        unused: names in the source that the network has no place for.
    """

    source: str
    matched: tuple[str, ...]
    fresh: dict[str, str]
    unused: tuple[str, ...]
    made: dict[str, str]

    @property
    def sentence(self) -> str:
        """One line for people."""
        text = f"Loaded {len(self.matched)} of {len(self.matched) + len(self.fresh)} tensors from {self.source}."
        for what, names in (("Freshly drawn", self.fresh), ("Made from the given one", self.made)):
            if names:
                text += f" {what}: {some([f'{name} ({why})' for name, why in names.items()])}."
        if self.unused:
            text += f" Not used: {some(self.unused)}."
        return text


def load_from_config(model: nn.Module, config: ModelConfig) -> WeightReport | None:
    """Load the weights that a config names into a network that was built from it; None where it names none.

    Raises:
        CheckpointError: they are not there, damaged, or of another architecture.
    """
    if config.weights is None:
        return None
    state, source = read_weights(config.weights, config.name, bool(config.download_weights))
    return load_matching(model, state, source)


def load_matching(model: nn.Module, state: Mapping[str, Tensor], source: str) -> WeightReport:
    """Load all tensors that have the network's names and shapes; differences are allowed at the ends and at sites.

    Raises:
        CheckpointError: the weights are of another architecture; the network is as it was.
    """
    # Files of old have no count of batches, which nothing but an unused kind of averaging looks at.
    own = {name: each for name, each in model.state_dict().items() if name in state or not name.endswith(COUNT)}
    state, made = _with_first_layer(model, state)
    fresh = {name: why for name, tensor in own.items() if (why := _difference(tensor, state.get(name)))}
    unused = tuple(name for name in state if name not in own)
    matched = tuple(name for name in own if name not in fresh)
    may_differ = _may_differ(model)
    foreign = [name for name in (*fresh, *unused) if not may_differ.search(name)]
    if foreign or not matched:
        first = next(iter([*foreign, *fresh]))
        raise CheckpointError(
            f"{source}: weights of another architecture ({len(matched)} of {len(own)} tensors fit; "
            f"{first}: {fresh.get(first, 'not in the network')})."
        )
    model.load_state_dict({name: state[name] for name in matched}, strict=False)
    return WeightReport(source, matched, fresh, unused, made)


def _with_first_layer(model: nn.Module, state: Mapping[str, Tensor]) -> tuple[Mapping[str, Tensor], dict[str, str]]:
    """Return a state whose first layer takes the network's channels, and what was made for that, and how."""
    path, layer = next(iter(weighted_layers(model).items()))
    name = f"{path}.weight"
    here, there = layer.get_parameter("weight").shape, state[name].shape if name in state else ()
    if not (isinstance(layer, nn.Conv2d) and layer.groups == 1 and len(there) == 4 and here[0] == there[0]):
        return state, {}
    if here[2:] != there[2:] or here[1] == there[1]:
        return state, {}
    how = "summed" if here[1] == 1 else f"repeated, times {there[1]}/{here[1]}"
    return {**state, name: for_channels(state[name], here[1])}, {
        name: f"{there[1]} channels there, {here[1]} here: {how}"
    }


def for_channels(weight: Tensor, channels: int) -> Tensor:
    """Return the weight [out, in, height, width] of a first convolution for another number of channels, as timm does.

    For grey pictures it is summed, which is what it makes of a grey picture with equal channels; for others it is
    repeated and scaled by in / channels, which keeps the size of the output (`timm.models.adapt_input_conv`).
    """
    if channels == 1:
        return weight.float().sum(1, keepdim=True)
    given = weight.shape[1]
    return weight.float().repeat(1, -(-channels // given), 1, 1)[:, :channels] * (given / channels)


def _difference(here: Tensor, there: Tensor | None) -> str:
    """Say why a tensor cannot be taken, or nothing if it can."""
    if there is None:
        return "not in the weights"
    return "" if here.shape == there.shape else f"{list(there.shape)} there, {list(here.shape)} here"


def _may_differ(model: nn.Module) -> re.Pattern[str]:
    """Return a pattern of the names that are the experiment's own: first layer, head, connections and shortcuts."""
    first = next(iter(weighted_layers(model)))
    ends = "|".join(re.escape(path) for path in (first, *stages(model)["head"]))
    return re.compile(rf"^({ends})\.|\.(connection|downsample)\.")

"""Weights to start from: torchvision's, a state dict in a file, or those of a finished run.

Whatever the file is, it is read as plain tensors and nothing in it is executed. A head for other classes, a stem for
other pictures and connections of another kind stay as they were drawn, and the report says so; any other difference
means another architecture, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from skiprun.config import ModelConfig
from skiprun.errors import CheckpointError
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
        unused: names in the source that the network has no place for.
    """

    source: str
    matched: tuple[str, ...]
    fresh: dict[str, str]
    unused: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """One line for people."""
        text = f"Loaded {len(self.matched)} of {len(self.matched) + len(self.fresh)} tensors from {self.source}."
        if self.fresh:
            text += f" Freshly drawn: {_some(f'{name} ({why})' for name, why in self.fresh.items())}."
        if self.unused:
            text += f" Not used: {_some(self.unused)}."
        return text


def _some(names: Iterable[str], most: int = 4) -> str:
    """Return names as a list, cut where it grows long."""
    names = list(names)
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


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
    return WeightReport(source, matched, fresh, unused)


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

"""Load initial weights: torchvision's, a state dict in a file, or those of a finished run.

Whatever the file is, it is read as plain tensors and nothing in it is executed. A head for other classes and
connections of another kind stay as they were drawn, a first layer for other channels is made from the given
one, and the report says so; any other difference means another architecture, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn

from skiprun.config import ModelConfig
from skiprun.errors import CheckpointError, some
from skiprun.models.complexity.cost import weighted_layers
from skiprun.models.layers.shortcut import PadShortcut
from skiprun.models.stages import stages
from skiprun.models.weights.first_layer import with_first_layer
from skiprun.models.weights.naming import with_names_of
from skiprun.models.weights.state_dicts import Given
from skiprun.models.weights.weight_file import read_weights

COUNT = "num_batches_tracked"
PADDING = (
    "Weights do not tell on which side option A pads: model.shortcut=A, the default, does at the end, and "
    "model.shortcut=A_both pads on both sides, as akamaster's networks for CIFAR do."
)


@dataclass(frozen=True)
class WeightReport:
    """What was found in given weights.

    Attributes:
        source: where they came from.
        matched: names of the tensors that were taken.
        fresh: names of the tensors that stay as they were drawn, with the reason.
        unused: names in the source that the network has no place for.
        aside: names in the source that belong to no network like it: counters, another network's.
        made: names of the tensors that were made from given ones, and how.
        remarks: what else a person should know, in sentences.
        assumed: what was taken for granted that the weights do not tell; empty where nothing was.
    """

    source: str
    matched: tuple[str, ...]
    fresh: dict[str, str]
    unused: tuple[str, ...]
    made: dict[str, str]
    aside: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    assumed: str = ""

    @property
    def sentence(self) -> str:
        """One line for people."""
        text = (
            f"Loaded {len(self.matched)} of {len(self.matched) + len(self.fresh)} tensors from {self.source}."
        )
        for what, names in (("Freshly drawn", self.fresh), ("Made from the given one", self.made)):
            if names:
                text += f" {what}: {some([f'{name} ({why})' for name, why in names.items()])}."
        if left := (*self.unused, *self.aside):
            text += f" Not used: {some(left)}."
        return " ".join([text, *self.remarks])

    @property
    def notes(self) -> list[str]:
        """The lines for people."""
        return [self.sentence, *filter(None, [self.assumed])]


def load_from_config(model: nn.Module, config: ModelConfig) -> WeightReport | None:
    """Load the weights that a config names into a network that was built from it; None where it names none.

    Raises:
        CheckpointError: they are not there, damaged, or of another architecture.
    """
    if config.weights is None:
        return None
    given = read_weights(config.weights, config.name, bool(config.download_weights))
    report = load_matching(model, given.state, given.source)
    remarks = (*report.remarks, *filter(None, [given.remark]))
    return replace(report, remarks=remarks, assumed=_assumed(model, config, given))


def _assumed(model: nn.Module, config: ModelConfig, given: Given) -> str:
    """Say where option A's zeros may stand, or do stand, on other sides than where the weights come from."""
    sides = {module.before > 0 for module in model.modules() if isinstance(module, PadShortcut)}
    if not sides or given.pads_both in sides:
        return ""
    if given.pads_both is None:
        return "" if config.shortcut else PADDING
    there, here = ("A_both", "A") if given.pads_both else ("A", "A_both")
    return (
        f"The weights were trained with model.shortcut={there}, and here it is {here}: "
        "zeros stand on other sides."
    )


def load_matching(model: nn.Module, given: Mapping[str, Tensor], source: str) -> WeightReport:
    """Load all tensors of the network's names and shapes; they may differ at the ends and at sites.

    Raises:
        CheckpointError: the weights are of another architecture; the network is as it was.
    """
    named = with_names_of(model, given)
    state, made = with_first_layer(model, named.state)
    # Files of old have no count of batches, which nothing but an unused kind of averaging looks at.
    own = {
        name: each for name, each in model.state_dict().items() if name in state or not name.endswith(COUNT)
    }
    fresh = {name: why for name, tensor in own.items() if (why := _misfit(tensor, state.get(name)))}
    unknown = [name for name in state if name not in own]
    matched = tuple(name for name in own if name not in fresh)
    may_differ = _may_differ(model)
    foreign = [name for name in (*fresh, *unknown) if not may_differ.search(name)]
    if foreign or not matched:
        first = next(iter([*foreign, *fresh]))
        raise CheckpointError(
            f"{source}: weights of another architecture ({len(matched)} of {len(own)} tensors fit; "
            f"{first}: {fresh.get(first, 'not in the network')})."
        )
    model.load_state_dict({name: state[name] for name in matched}, strict=False)
    remarks = (f"Its '{named.head}' is the last layer here.",) if named.head else ()
    return WeightReport(source, matched, fresh, tuple(unknown), made, named.aside, remarks)


def _misfit(here: Tensor, there: Tensor | None) -> str:
    """Say why a tensor cannot be taken, or nothing if it can."""
    if there is None:
        return "not in the weights"
    if here.shape != there.shape:
        return f"{list(there.shape)} there, {list(here.shape)} here"
    real = there.is_floating_point() or not here.is_floating_point()
    return "" if real else f"{str(there.dtype).removeprefix('torch.')} there, a real number here"


def _may_differ(model: nn.Module) -> re.Pattern[str]:
    """Return a pattern of the experiment's own names: first layer, head, connections and shortcuts."""
    first = next(iter(weighted_layers(model)))
    ends = "|".join(re.escape(path) for path in (first, *stages(model)["head"]))
    return re.compile(rf"^({ends})\.|\.(connection|downsample)\.")

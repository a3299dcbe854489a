"""Rename the keys of a state dict to those of the network."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from skiprun.models.complexity.cost import weighted_layers

# DistributedDataParallel and torch.compile put words before a module's name.
WRAPPERS = re.compile(r"(^|\.)((module|_orig_mod)\.)+")
# torchvision's files of DenseNet have a dot where its modules have none; others call a projection a shortcut.
OTHER_NAMES = (
    (re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\."), r"\1\2."),
    (re.compile(r"\.shortcut\."), ".downsample."),
)
# What tools that count operations leave in a network.
COUNTERS = re.compile(r"(^|\.)total_(ops|params)$")


@dataclass(frozen=True)
class Named:
    """Given weights under the network's names.

    Attributes:
        state: tensors by the network's names, and by their own where it has none.
        aside: names of what does not belong to the network: counters, and what stands beside it under another
            prefix.
        head: what the last layer is called in the weights, if that is not its name in the network.
    """

    state: dict[str, Tensor]
    aside: tuple[str, ...]
    head: str | None


def with_names_of(model: nn.Module, given: Mapping[str, Tensor]) -> Named:
    """Return weights under the names of a network: without prefixes, and with its name for the last layer."""
    own = model.state_dict()
    state = renamed(given, lambda name: WRAPPERS.sub(r"\1", name))
    prefix = common_prefix(state, own)
    aside = {name: None for name in state if not name.startswith(prefix) or COUNTERS.search(name)}
    inside = {name: tensor for name, tensor in state.items() if name not in aside}
    state = renamed(inside, lambda name: _own_name(name.removeprefix(prefix), own))
    head = other_head(model, state)
    if head:
        path = list(weighted_layers(model))[-1]
        state = renamed(state, lambda name: re.sub(rf"^{re.escape(head)}\.", f"{path}.", name))
    return Named(state, tuple(aside), head)


def renamed(state: Mapping[str, Tensor], new_name: Callable[[str], str]) -> dict[str, Tensor]:
    """Return tensors under new names; one whose new name is another's keeps its own, and so is not lost."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        new = new_name(name)
        taken = new in found or (new != name and new in state)
        found[name if taken else new] = tensor
    return found


def common_prefix(names: Iterable[str], own: Mapping[str, Tensor]) -> str:
    """Return what stands before the network's own names: `model.` in Lightning's files, in many nothing."""
    votes = Counter(
        name[:start]
        for name in names
        for start in (0, *_after_dots(name))
        if _own_name(name[start:], own) in own
    )
    return max(votes, key=lambda prefix: (votes[prefix], -len(prefix)), default="")


def _after_dots(name: str) -> Iterable[int]:
    return (found.end() for found in re.finditer(r"\.", name))


def _own_name(name: str, own: Mapping[str, Tensor]) -> str:
    """Return the network's name for a tensor where it is known under another one."""
    others = (pattern.sub(with_, name) for pattern, with_ in OTHER_NAMES)
    return name if name in own else next((other for other in others if other in own), name)


def other_head(model: nn.Module, state: Mapping[str, Tensor]) -> str | None:
    """Return the name of the only layer that can be the network's last one, if that one's name is missing.

    It takes as many numbers as that one, whatever the number of classes: `linear` or `classifier` for `fc`.
    """
    path, layer = list(weighted_layers(model).items())[-1]
    if f"{path}.weight" in state:
        return None
    shape, own = layer.get_parameter("weight").shape, model.state_dict()
    fits = [
        name.removesuffix(".weight")
        for name, tensor in state.items()
        if name not in own and name.endswith(".weight") and tensor.shape[1:] == shape[1:]
    ]
    return fits[0] if len(fits) == 1 else None

"""What a training step changes: kept before one that may fail or is only tried, and put back after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from skiprun.system.torch_internals import storage_id
from skiprun.training.ema import EmaModel
from skiprun.training.totals import EpochTotals

Tensors = Mapping[str, list[Tensor]]  # by kind


@dataclass(frozen=True)
class StepState:
    """All that a step changes on its device, and the generators that it draws from.

    The number of updates of the moving average is not here: whoever makes the step counts it.
    """

    device: torch.device
    model: nn.Module
    optimizer: torch.optim.Optimizer
    totals: EpochTotals
    ema_model: EmaModel | None = None

    def tensors(self) -> Tensors:
        """Return what is in memory now, by kind: weights, statistics, totals, what the optimizer keeps."""
        found: dict[str, list[Tensor]] = {
            "weights": list(self.model.parameters()),
            "statistics": list(self.model.buffers()),
            "totals": list(self.totals.state_dict().values()),
        }
        if self.ema_model:
            found["moving average"] = [*self.ema_model.module.parameters(), *self.ema_model.module.buffers()]
        for slots in self.optimizer.state.values():
            for name, value in slots.items():
                if isinstance(value, Tensor):
                    found.setdefault(name.replace("_", " "), []).append(value)
        return found

    def generators(self) -> list[Tensor]:
        """Return the states of the generators: the host's, and the device's."""
        on_gpu = self.device.type == "cuda"
        return [torch.get_rng_state(), *([torch.cuda.get_rng_state(self.device)] if on_gpu else [])]

    def keep(self) -> KeptState:
        """Return a copy."""
        return KeptState(self, self.tensors(), cloned(self.tensors()), self.generators())


@dataclass(frozen=True)
class StepStates:
    """What the steps of several runs change on one device."""

    states: Sequence[StepState | StepStates]

    @property
    def device(self) -> torch.device:
        """Where all are."""
        return self.states[0].device

    def tensors(self) -> Tensors:
        """Return what is in memory now, by kind."""
        found: dict[str, list[Tensor]] = {}
        for state in self.states:
            for kind, tensors in state.tensors().items():
                found.setdefault(kind, []).extend(tensors)
        return found

    def generators(self) -> list[Tensor]:
        """Return the states of the generators, which all share."""
        return self.states[0].generators()

    def keep(self) -> KeptState:
        """Return a copy."""
        return KeptState(self, self.tensors(), cloned(self.tensors()), self.generators())


@dataclass(frozen=True)
class KeptState:
    """A copy of what a step changes.

    Attributes:
        places: the tensors that were copied.
        values: the copies.
        generators: the states of the generators.
    """

    of: StepState | StepStates
    places: Tensors
    values: Tensors
    generators: list[Tensor]

    @torch.no_grad()
    def put_back(self) -> None:
        """Let everything be as it was."""
        for kind, places in self.places.items():
            if places:
                torch._foreach_copy_(places, self.values[kind])
        torch.set_rng_state(self.generators[0])
        for state in self.generators[1:]:
            torch.cuda.set_rng_state(state, self.of.device)

    def moved(self) -> str | None:
        """Return a kind of tensors that lie elsewhere in memory by now, where nothing can be put back."""
        now = self.of.tensors()
        for kind in now:
            if list(map(storage_id, now[kind])) != list(map(storage_id, self.places.get(kind, []))):
                return kind
        return None


def cloned(tensors: Tensors) -> Tensors:
    """Return a copy of every tensor."""
    return {kind: [each.detach().clone() for each in some] for kind, some in tensors.items()}


def distance(one: list[Tensor], other: list[Tensor]) -> float:
    """Return the largest difference of two numbers at one place; two that are not numbers do not differ."""
    apart = []
    for left, right in zip(one, other, strict=True):
        same = (left == right) | (left.isnan() & right.isnan())
        apart.append((left.detach().double() - right.detach().double()).abs().masked_fill(same, 0.0))
    largest = [each.max() for each in apart if each.numel()]
    return torch.stack(largest).nan_to_num(nan=torch.inf, posinf=torch.inf).max().item() if largest else 0.0

"""A study tried on small networks, once for all of its contracts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from skiprun.errors import InputError
from skiprun.experiment.contracts.contract import require
from skiprun.experiment.contracts.small_networks import SMALL_NETWORKS, small_network
from skiprun.experiment.contracts.tracks import Tracks, tracks
from skiprun.studies.base import StudyResult
from skiprun.studies.signature import needs, options

Study = Callable[..., StudyResult]
# Options that make a study short, where it has one of the name.
FEW: dict[str, object] = {"tolerance": 0.5, "points": 31, "steps": 3, "draws": 1, "depths": (1, 2)}
FEW |= {"width": 8, "workers": 1}


class Faulty:
    """Calls a function, and raises at the n-th call if it is to."""

    def __init__(self, function: Callable[..., Any], fault: BaseException | None = None, at: int = 2) -> None:
        self.function, self.fault, self.left = function, fault, at

    def __call__(self, *given: Any) -> Any:
        """Call the function, or raise."""
        self.left -= 1
        if self.fault and self.left == 0:
            raise self.fault
        return self.function(*given)


def network(name: str = "resnet20", seed: int = 0) -> nn.Module:
    """Return a network whose modes and gradients are not all alike, so that a change of them shows."""
    model = small_network(name, seed=seed)
    next(model.children()).eval()
    last = list(model.parameters())[-1]
    last.grad = torch.ones_like(last)
    return model


def batches(count: int = 3) -> list[tuple[Tensor, Tensor]]:
    """Return batches of eight small images, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(8, 3, 8, 8, generator=generator), torch.randint(4, (8,), generator=generator))
        for _ in range(count)
    ]


@torch.no_grad()
def loss_and_error(model: nn.Module) -> dict[str, float]:
    """Score a network."""
    outputs = model.eval()(batches()[0][0])
    return {"loss": outputs.square().mean().item(), "error": (outputs.argmax(1) != 0).double().mean().item()}


def given(
    study: Study, model: nn.Module, name: str = "resnet20", fault: BaseException | None = None
) -> dict[str, object]:
    """Return what a study needs; a fault strikes in the middle, wherever the study calls us."""
    vocabulary: dict[str, object] = {
        "model": model,
        "other": network(name, 1),
        "models": [model, network(name, 1)],
        "evaluate": Faulty(loss_and_error, fault),
        "images": 100,
        "batches": batches(),
        "batch": batches()[0],
        "train_batches": batches(),
        "loss": Faulty(nn.functional.cross_entropy, fault),
        "states": [network(name, seed).state_dict() for seed in (1, 2, 0)],
    }
    unknown = [each for each in needs(study) if each not in vocabulary]
    require(not unknown, f"it needs '{', '.join(unknown)}'; there are {', '.join(vocabulary)}")
    return {name: vocabulary[name] for name in needs(study)}


def few(study: Study) -> dict[str, object]:
    """Return the options that make a study short."""
    return {name: value for name, value in FEW.items() if name in options(study)}


class Studied(NamedTuple):
    """What a study found, the network after and before, and the random stream before and after."""

    result: StudyResult
    network: str
    model: nn.Module
    before: Tracks
    streams: tuple[Tensor, Tensor]


@functools.cache
def studied(study: Study, _time: int = 1) -> Studied:
    """Run a study for the first or the second time, once for all contracts.

    It looks at the first of the small networks that it takes: one is residual, one dense.
    """
    names = [*SMALL_NETWORKS]
    for name in names:
        model = network(name)
        needed, before, stream = given(study, model, name), tracks(model), torch.get_rng_state()
        try:
            result = study(**needed, **few(study))
        except InputError:
            if name == names[-1]:
                raise
        else:
            return Studied(result, name, model, before, (stream, torch.get_rng_state()))
    raise AssertionError("one of the networks was the last")

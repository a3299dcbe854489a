"""Every study of the registry: the network is afterwards as before, bit for bit, whatever happened."""

import copy
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from skiprun.models import build_model
from skiprun.registry import STUDIES
from skiprun.studies.base import StudyResult
from skiprun.studies.signature import needs, options

Study = Callable[..., StudyResult]
Fingerprint = tuple[dict[str, Tensor | None], tuple[Any, ...]]
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
# Those that send images through a network; a map of weights only reads it.
PASSING = [name for name in STUDIES.names() if len(needs(STUDIES[name].target)) > 1]
FEW: dict[str, Any] = {
    "tolerance": 0.5,
    "points": 31,
    "steps": 3,
    "draws": 1,
    "depths": (1, 2),
    "width": 8,
    "workers": 1,
}


def network(study: Study, seed: int = 0) -> nn.Module:
    """Return a network whose modes and gradients are not all alike, so that a change of them shows."""
    torch.manual_seed(seed)
    dense = study is STUDIES["reuse"].target
    model = build_model("densenet_cifar", depth=10, growth=4) if dense else build_model("resnet20", width=4)
    next(model.children()).eval()
    last = list(model.parameters())[-1]
    last.grad = torch.ones_like(last)
    return model


def batches(count: int = 3) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [
        (torch.randn(8, 3, 8, 8, generator=generator), torch.randint(4, (8,), generator=generator))
        for _ in range(count)
    ]


class Faulty:
    """Calls a function, and raises at the n-th call."""

    def __init__(self, function: Callable[..., Any], fault: BaseException | None = None, at: int = 2) -> None:
        self.function, self.fault, self.left = function, fault, at

    def __call__(self, *given: Any) -> Any:
        self.left -= 1
        if self.fault and self.left == 0:
            raise self.fault
        return self.function(*given)


@torch.no_grad()
def scores(model: nn.Module) -> dict[str, float]:
    outputs = model.eval()(batches()[0][0])
    return {"loss": outputs.square().mean().item(), "error": (outputs.argmax(1) != 0).double().mean().item()}


def given(study: Study, model: nn.Module, fault: BaseException | None = None) -> dict[str, Any]:
    """Return what a study needs; a fault strikes in the middle, wherever the study calls us."""
    vocabulary = {
        "model": model,
        "other": network(study, 1),
        "models": [model, network(study, 1)],
        "evaluate": Faulty(scores, fault),
        "images": 100,
        "batches": batches(),
        "batch": batches()[0],
        "train_batches": batches(),
        "loss": Faulty(nn.functional.cross_entropy, fault),
        "states": [network(study, seed).state_dict() for seed in (1, 2, 0)],
    }
    return {name: vocabulary[name] for name in needs(study)}


def chosen(study: Study) -> dict[str, Any]:
    return {name: value for name, value in FEW.items() if name in options(study)}


def fingerprint(
    model: nn.Module,
) -> Fingerprint:
    """Return all tensors of a network, and its modes, attributes, hooks and what learns."""
    tensors = {**model.state_dict(), **{f"grad {name}": each.grad for name, each in model.named_parameters()}}
    modes = [module.training for module in model.modules()]
    attributes = {path: set(vars(module)) for path, module in model.named_modules()}
    hooks = [hook for module in model.modules() for kind in HOOKS for hook in getattr(module, kind).values()]
    grads = [each.requires_grad for each in model.parameters()]
    return copy.deepcopy(tensors), (modes, attributes, hooks, grads)


def assert_untouched(model: nn.Module, before: Fingerprint) -> None:
    tensors, rest = fingerprint(model)
    assert rest == before[1] and tensors.keys() == before[0].keys()
    for name, value in tensors.items():
        other = before[0][name]
        assert value is other if value is None or other is None else torch.equal(value, other), name


class Studied(NamedTuple):
    """What a study found, the network after and before, and the random stream before and after."""

    result: StudyResult
    model: nn.Module
    before: Fingerprint
    streams: tuple[Tensor, Tensor]


@functools.cache
def studied(name: str, time: int = 1) -> Studied:
    """Run a study for the first or the second time, once for all tests."""
    study = STUDIES[name].target
    model = network(study)
    needed = given(study, model)
    before, stream = fingerprint(model), torch.get_rng_state()
    result = study(**needed, **chosen(study))
    return Studied(result, model, before, (stream, torch.get_rng_state()))


@pytest.mark.parametrize("name", STUDIES.names())
def test_a_study_leaves_networks_and_the_random_stream_as_they_were(name: str) -> None:
    result, model, before, streams = studied(name)
    assert_untouched(model, before)
    assert torch.equal(*streams)
    assert result.rows and result.verdict.endswith(".")


@pytest.mark.parametrize("fault", [RuntimeError("in the middle"), KeyboardInterrupt()])
@pytest.mark.parametrize(
    "name", [name for name in STUDIES.names() if {"evaluate", "loss"} & set(needs(STUDIES[name].target))]
)
def test_a_study_that_is_stopped_in_the_middle_leaves_no_trace(name: str, fault: BaseException) -> None:
    study = STUDIES[name].target
    model = network(study)
    needed = given(study, model, fault)
    before, stream = fingerprint(model), torch.get_rng_state()
    with pytest.raises(type(fault)):
        study(**needed, **chosen(study))
    assert_untouched(model, before)
    assert torch.equal(stream, torch.get_rng_state())


@pytest.mark.parametrize("fault", [RuntimeError("in the middle"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", PASSING)
def test_a_fault_within_a_network_leaves_no_trace(
    name: str, fault: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = STUDIES[name].target
    model = network(study)
    needed = given(study, model)
    before, stream = fingerprint(model), torch.get_rng_state()
    faulty = Faulty(nn.Conv2d.forward, fault, at=30)
    monkeypatch.setattr(nn.Conv2d, "forward", lambda layer, images: faulty(layer, images))
    with pytest.raises(type(fault)):
        study(**needed, **chosen(study))
    assert_untouched(model, before)
    assert torch.equal(stream, torch.get_rng_state())


@pytest.mark.parametrize("name", STUDIES.names())
def test_the_figures_of_a_study_name_columns_of_its_rows(name: str) -> None:
    result = studied(name).result
    for figure in STUDIES[name].info.figures:
        rows = [row for row in result.rows if figure.where.items() <= row.items()]
        assert rows, figure.title
        columns = {figure.x, figure.y, figure.value, figure.group, *(figure.band or ())} - {""}
        assert all(columns <= row.keys() for row in rows), figure.title


@pytest.mark.parametrize("name", STUDIES.names())
def test_the_same_seed_gives_the_same_rows(name: str) -> None:
    one, other = (studied(name, time).result for time in (1, 2))
    assert one.rows == other.rows and one.facts == other.facts

"""Every probe of the registry: the step that it watched is the step that it did not watch, bit for bit."""

import copy

import pytest
import torch
from torch import Tensor, nn

from skiprun.models import build_model
from skiprun.registry import PROBES

CONNECTIONS = ["add", "none", "highway", "rezero", "stochastic_depth"]
HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def network(connection: str) -> nn.Module:
    torch.manual_seed(0)
    return build_model("resnet20", connection=connection, width=4)


def step(model: nn.Module, fault: BaseException | None = None) -> Tensor:
    torch.manual_seed(1)
    output = model(torch.randn(4, 3, 16, 16))
    if fault:
        raise fault
    nn.functional.cross_entropy(output, torch.arange(4)).backward()
    return output


def instance_attributes(model: nn.Module) -> dict[str, set[str]]:
    return {path: set(vars(module)) for path, module in model.named_modules()}


def hooks(model: nn.Module) -> list[object]:
    return [hook for module in model.modules() for kind in HOOKS for hook in getattr(module, kind).values()]


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("name", PROBES.names())
def test_a_watched_step_is_bit_identical_to_an_unwatched_one(name: str, connection: str) -> None:
    watched, plain = network(connection), network(connection)
    before = instance_attributes(watched)
    probe = PROBES[name].target()
    tags = probe.tags(watched)
    with probe.watch(watched):
        output = step(watched)
    values = probe.read()
    assert torch.equal(output, step(plain))
    for one, other in zip(watched.parameters(), plain.parameters(), strict=True):
        assert one.grad is not None and other.grad is not None and torch.equal(one.grad, other.grad)
    assert all(torch.equal(one, other) for one, other in zip(watched.buffers(), plain.buffers(), strict=True))
    assert not hooks(watched) and instance_attributes(watched) == before
    assert values.dtype == torch.float32 and values.shape == (len(tags),) and len(set(tags)) == len(tags)
    assert values[["first_over_last" not in tag for tag in tags]].isfinite().all()


@pytest.mark.parametrize("fault", [RuntimeError("in the middle"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", PROBES.names())
def test_hooks_are_gone_after_an_exception_and_after_ctrl_c(name: str, fault: BaseException) -> None:
    model = network("highway")
    before, state = instance_attributes(model), copy.deepcopy(model.state_dict())
    probe = PROBES[name].target()
    with pytest.raises(type(fault)), probe.watch(model):
        step(model.eval(), fault)
    assert not hooks(model) and instance_attributes(model) == before
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize("name", PROBES.names())
def test_a_network_without_sites_is_no_fault(name: str) -> None:
    model, probe = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4)), PROBES[name].target()
    with probe.watch(model):
        step(model)
    assert len(probe.read()) == len(probe.tags(model))


@pytest.mark.parametrize("name", PROBES.names())
def test_tags_are_the_same_at_every_step(name: str) -> None:
    model, probe = network("add"), PROBES[name].target()
    first = probe.tags(model)
    with probe.watch(model):
        step(model)
    assert probe.tags(model) == first

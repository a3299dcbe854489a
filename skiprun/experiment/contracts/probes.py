"""What every probe keeps: the step that it watched is the step that it did not watch, bit for bit."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skiprun.experiment.contracts.contract import Subject, contract, require
from skiprun.experiment.contracts.small_networks import small_network
from skiprun.experiment.contracts.tracks import InTheMiddle, hooks, require_untouched, tracks

CONNECTIONS = ("add", "none", "highway", "rezero", "stochastic_depth")


def step(model: nn.Module, fault: bool = False) -> Tensor:
    """Pass forward and backward, or fail between."""
    torch.manual_seed(1)
    output: Tensor = model(torch.randn(4, 3, 16, 16))
    if fault:
        raise InTheMiddle
    nn.functional.cross_entropy(output, torch.arange(4)).backward()
    return output


@contract("probe")
def describes_itself(subject: Subject) -> None:
    """It has a docstring, and says whether it looks inside the pass."""
    require(subject.entry.summary, "the class has no docstring")
    require(isinstance(getattr(subject.entry.target, "hooks", None), bool), "hooks is neither True nor False")


@contract("probe")
def changes_nothing(subject: Subject) -> None:
    """A watched step has the outputs and gradients of one that is not watched, to the bit."""
    for connection in CONNECTIONS:
        watched, plain = (small_network(connection=connection) for _ in range(2))
        probe = subject.entry.target()
        attributes = {path: set(vars(module)) for path, module in watched.named_modules()}
        probe.tags(watched)
        with probe.watch(watched):
            output = step(watched)
        probe.read()
        require(torch.equal(output, step(plain)), f"the output is another, with {connection}")
        for (name, one), other in zip(watched.named_parameters(), plain.parameters(), strict=True):
            assert other.grad is not None
            same = one.grad is not None and torch.equal(one.grad, other.grad)
            require(same, f"the gradient of {name} is another")
        for (name, buffer), twin in zip(watched.named_buffers(), plain.buffers(), strict=True):
            require(torch.equal(buffer, twin), f"{name} is another")
        require(not hooks(watched), "hooks are left")
        left = {path: set(vars(module)) for path, module in watched.named_modules()}
        require(left == attributes, "attributes are left in the network")


@contract("probe")
def has_a_value_for_each_tag(subject: Subject) -> None:
    """It reads a finite float32 value for each tag, and tags are unique and the same at every step."""
    for connection in CONNECTIONS:
        model, probe = small_network(connection=connection), subject.entry.target()
        tags = probe.tags(model)
        with probe.watch(model):
            step(model)
        values = probe.read()
        require(len(set(tags)) == len(tags), "two values have one tag")
        require(values.dtype == torch.float32 and values.shape == (len(tags),), f"values of {values.shape}")
        by_nothing = ["first_over_last" in tag for tag in tags]  # whose gradient may be 0
        finite = values.isfinite() | torch.tensor(by_nothing)
        require(finite.all(), "a value is not finite")
        require(probe.tags(model) == tags, "a step changes the tags")


@contract("probe")
def leaves_after_a_fault(subject: Subject) -> None:
    """After an exception within the step, the network is as it was."""
    model, probe = small_network(connection="highway").eval(), subject.entry.target()
    before = tracks(model)
    try:
        with probe.watch(model):
            step(model, fault=True)
    except InTheMiddle:
        require_untouched(model, before)
    else:
        require(False, "watch() swallows exceptions")


@contract("probe")
def takes_any_network(subject: Subject) -> None:
    """A network without sites is no fault."""
    model, probe = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4)), subject.entry.target()
    with probe.watch(model):
        step(model)
    require(len(probe.read()) == len(probe.tags(model)), "it has not a value for each tag")

"""Which device a run takes, and what is set of torch for it, on a machine that says it has a GPU."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from skiprun.training.device import DeviceSetup, choose_device, configure_process
from tests.support.tiny import tiny_config


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """Undo what is set once a process."""
    exact, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(exact)
    torch.backends.cudnn.benchmark = benchmark


@pytest.mark.parametrize(("asked", "taken"), [("auto", "cuda"), ("cuda", "cuda"), ("cpu", "cpu")])
def test_a_gpu_is_taken_unless_the_config_says_cpu(
    asked: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    setup = choose_device(tiny_config(compute={"device": asked, "deterministic": True}))
    assert (setup.device.type, setup.precision, setup.deterministic) == (taken, "fp32", True)


@pytest.mark.usefixtures("torch_as_it_was")
@pytest.mark.parametrize(
    ("device", "deterministic", "exact"),
    [("cuda", True, True), ("cuda", False, False), ("cpu", True, False), ("cpu", False, False)],
)
@pytest.mark.parametrize("before", [False, True])
def test_exact_algorithms_are_asked_for_on_a_gpu_alone(
    device: str, deterministic: bool, exact: bool, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.training.device.refuse_without_kernels", lambda device: None)
    torch.use_deterministic_algorithms(before)
    configure_process(DeviceSetup(torch.device(device), "fp32", deterministic))
    assert torch.are_deterministic_algorithms_enabled() == exact
    assert torch.backends.cudnn.benchmark == (not deterministic)

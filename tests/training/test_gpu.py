"""What is said where torch sees no GPU, or one that it cannot compute on; and how a GPU is set up."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from skiprun.config_file import build_config
from skiprun.errors import ConfigError, InputError
from skiprun.training import gpu
from skiprun.training.device import DeviceSetup, choose_device, configure_process
from skiprun.training.gpu import why_no_gpu
from skiprun.training.resume import changed_conditions
from tests.support.tiny import tiny_config

GPU = DeviceSetup(torch.device("cuda"), "fp32")


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Torch says that it sees a GPU that it has kernels for."""
    tf32 = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    exact = torch.are_deterministic_algorithms_enabled()
    monkeypatch.setattr("torch.utils.deterministic.fill_uninitialized_memory", True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("skiprun.training.device.refuse_without_kernels", lambda device: None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (8, 6))
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.use_deterministic_algorithms(exact)


def test_a_build_for_cpus_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(gpu, "NVIDIA", tmp_path / "none")
    assert why_no_gpu() == f"torch {torch.__version__} is a build for CPUs"
    monkeypatch.setattr(gpu, "NVIDIA", tmp_path)
    assert why_no_gpu().endswith("pytorch.org has the command for one that uses the GPU of this machine")


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_gpus_are_said_to_be_hidden(hidden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert why_no_gpu() == f"CUDA_VISIBLE_DEVICES='{hidden}' hides every GPU; unset it"


def test_what_torch_says_of_a_driver_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def init() -> None:
        raise RuntimeError(
            "The NVIDIA driver on your system is too old (found version 11040). Please update."
        )

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "init", init)
    assert why_no_gpu() == "torch says: The NVIDIA driver on your system is too old (found version 11040)"


def test_a_gpu_that_is_asked_for_and_not_there_is_refused_with_the_reason() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=r"compute.device: found cuda, but .*\. Use auto or cpu here\."):
        choose_device(tiny_config(compute={"device": "cuda"}))


def test_auto_tells_of_a_gpu_that_it_cannot_use(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("skiprun.training.device.NVIDIA", tmp_path)
    with caplog.at_level(logging.WARNING, "skiprun"):
        assert choose_device(tiny_config(compute={"device": "auto"})).device.type == "cpu"
        choose_device(tiny_config(compute={"device": "cpu"}))
    (said,) = caplog.messages
    assert said.startswith("The GPU of this machine is not used: ")


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("device", "mps", "Apple's GPUs are not used; 'cpu' computes on such a machine."),
        ("device", "xpu", "Intel's GPUs are not used; 'cpu' computes on such a machine."),
        ("device", "rocm", "A build of torch for AMD's GPUs calls them 'cuda'."),
        ("device", "cuda:3", "CUDA_VISIBLE_DEVICES=3 chooses that GPU."),
        ("device", "gpu", "Did you mean 'cuda'?"),
        ("precision", "fp16", "'bf16' needs no scaling."),
    ],
)
def test_words_of_other_tools_are_answered(key: str, value: str, why: str) -> None:
    plain = {"model": {"name": "resnet20"}, "data": {"name": "digits"}, "schedule": {"epochs": 1}}
    with pytest.raises(ConfigError) as refused:
        build_config(plain | {"compute": {key: value}})
    assert str(refused.value).endswith(why)


@pytest.mark.usefixtures("a_gpu")
@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
def test_fp32_is_not_computed_as_tf32(precision: str, allowed: bool) -> None:
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = not allowed
    setup = choose_device(tiny_config(compute={"device": "cuda", "precision": precision}))
    configure_process(setup)
    assert torch.backends.cudnn.allow_tf32 is torch.backends.cuda.matmul.allow_tf32 is allowed
    assert (setup.autocast is contextlib.nullcontext) == (precision != "bf16")


@pytest.mark.usefixtures("a_gpu")
def test_tf32_is_refused_where_nothing_computes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"compute.precision: found tf32, which GPUs since NVIDIA's Ampere"):
        choose_device(tiny_config(compute={"device": "cpu", "precision": "tf32"}))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 5))
    with pytest.raises(InputError, match="use fp32 here"):
        choose_device(tiny_config(compute={"device": "cuda", "precision": "tf32"}))


@pytest.mark.usefixtures("a_gpu")
def test_a_deterministic_run_gives_cublas_its_workspace_and_fills_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    configure_process(GPU)
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    configure_process(DeviceSetup(torch.device("cuda"), "fp32", deterministic=True))
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not getattr(torch.utils.deterministic, "fill_uninitialized_memory")  # noqa: B009


@pytest.mark.usefixtures("a_gpu")
def test_a_gpu_without_kernels_is_refused_and_other_errors_are_not_put_in_these_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def zeros(*_: object, **__: object) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(torch, "zeros", zeros)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: "Tesla K80")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90"])
    words = "CUDA error: no kernel image is available for execution on the device"
    with pytest.raises(
        InputError, match=r"Tesla K80 has compute capability 8\.6.*kernels for sm_75, sm_90\."
    ):
        gpu.refuse_without_kernels(GPU.device)
    words = "CUDA error: unspecified launch failure"
    with pytest.raises(RuntimeError, match="unspecified"):
        gpu.refuse_without_kernels(GPU.device)


def test_threads_change_no_bits_of_a_gpu_and_another_gpu_does() -> None:
    then = {"threads": 16, "device": "NVIDIA H100"}
    assert changed_conditions(then, {"threads": 8, "device": "NVIDIA H100"}) == []
    (said,) = changed_conditions(then, {"threads": 8, "device": "NVIDIA A100"})
    assert said == "Not bit-identical to an uninterrupted run: device NVIDIA H100 -> NVIDIA A100."
    assert (
        "threads 16 -> 8" in changed_conditions(then | {"device": "cpu"}, {"threads": 8, "device": "cpu"})[0]
    )

"""Out of memory on a GPU: it is known by many words, and told in numbers."""

from __future__ import annotations

import pytest
import torch

from skiprun.cli.app import unforeseen
from skiprun.errors import OutOfMemory, explain_out_of_memory, is_out_of_memory
from skiprun.errors.memory import in_gigabytes

TORCH_SAYS = (
    "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB of which "
    "5.06 MiB is free. {}Including non-PyTorch memory, this process has {} GiB memory in use. Of the "
    "allocated memory 1.00 GiB is allocated by PyTorch."
)
NO_HANDLE = "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`"
NO_ENGINE = "FIND was unable to find an engine to execute this computation"


def said(error: Exception) -> str:
    with pytest.raises(OutOfMemory) as caught, explain_out_of_memory("in a step", "Take fewer."):
        raise error
    return str(caught.value)


@pytest.fixture
def full_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU of 80 GB with 1 GB free, of which this process has taken 2."""
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device=None: 2 * 10**9)


def test_the_numbers_are_those_of_torch() -> None:
    assert said(torch.OutOfMemoryError(TORCH_SAYS.format("", "79.09"))) == (
        "Out of memory in a step (21 MB more needed; 5 MB of the GPU's 84.9 GB are free, this process holds "
        "84.9 GB). Take fewer."
    )


def test_other_processes_are_named() -> None:
    text = TORCH_SAYS.format("Process 4711 has 77.09 GiB memory in use. ", "2.00")
    assert said(torch.OutOfMemoryError(text)).endswith(
        "this process holds 2.1 GB, others 82.8 GB (nvidia-smi lists them)). Take fewer."
    )


@pytest.mark.usefixtures("full_gpu")
@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "NVML_SUCCESS == r INTERNAL ASSERT FAILED at CUDACachingAllocator.cpp",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        NO_HANDLE,
        NO_ENGINE,
    ],
)
def test_what_libraries_say_of_a_full_gpu_is_out_of_memory(text: str) -> None:
    numbers = (
        "(1.0 GB of the GPU's 80.0 GB are free, this process holds 2.0 GB, others 77.0 GB "
        "(nvidia-smi lists them))"
    )
    assert said(RuntimeError(text)) == f"Out of memory in a step {numbers}. Take fewer."
    assert unforeseen(RuntimeError(text)).startswith(f"Out of memory {numbers}. Free some")


@pytest.mark.parametrize("text", [NO_HANDLE, NO_ENGINE, "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"])
def test_unclear_words_are_something_else_where_there_is_memory(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_out_of_memory(RuntimeError(text))  # no GPU is in use
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device=None: (70 * 10**9, 80 * 10**9))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device=None: 0)
    assert not is_out_of_memory(RuntimeError(text))


@pytest.mark.usefixtures("full_gpu")
def test_the_memory_of_the_machine_has_no_numbers_of_a_gpu() -> None:
    assert said(RuntimeError("DefaultCPUAllocator: can't allocate memory")) == (
        "Out of memory in a step. Take fewer."
    )
    assert said(MemoryError()) == "Out of memory in a step. Take fewer."


def test_a_gpu_that_answers_nothing_takes_only_its_numbers_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(device: object = None) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", broken)
    assert said(RuntimeError("CUDA error: out of memory")) == "Out of memory in a step. Take fewer."


@pytest.mark.parametrize(("count", "expected"), [(0, "0 MB"), (999e6, "999 MB"), (80.04e9, "80.0 GB")])
def test_sizes_are_said_in_gigabytes_or_megabytes(count: float, expected: str) -> None:
    assert in_gigabytes(count) == expected

"""`skiprun train --profile`: a trace, and shares that add up."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.profiler import ProfilerAction, ProfilerActivity

from skiprun.system.progress import NullProgress
from skiprun.training import profiling
from skiprun.training.acceleration.graph import WARM_UP
from skiprun.training.profiling import Profiling, kind, shares
from tests.support.tiny import tiny_config, tiny_trainer
from tests.training.test_trainer import assert_same_run

CPU = torch.device("cpu")
ELEMENTWISE = "void at::native::vectorized_elementwise_kernel<4, at::native::"


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("aten::mkldnn_convolution", "convolution"),
        ("aten::native_batch_norm_backward", "normalization"),
        ("aten::threshold_backward", "activation"),
        ("WinogradFunctionBackward", "convolution"),
        ("graph_0_cpp_fused_add_18", "compiled"),
        ("aten::_fused_sgd_", "optimizer"),
        ("aten::copy_", "copies"),
        ("aten::mul", "the rest"),
    ],
)
def test_operations_belong_to_kinds(operation: str, expected: str) -> None:
    assert kind(operation) == expected


def test_profile_writes_a_trace_says_shares_and_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Profiling(NullProgress(), tmp_path, CPU)
    tiny_trainer(tmp_path / "profiled", tiny_config(), progress=watcher).fit()
    tiny_trainer(tmp_path / "plain", tiny_config()).fit()
    assert_same_run(tmp_path / "profiled", tmp_path / "plain")
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    percents = [float(line.split("%")[0].split()[-1]) for line in caplog.messages if "%" in line]
    assert sum(percents) == pytest.approx(100, abs=1)
    assert any("convolution" in line for line in caplog.messages)
    assert "trace.json" in caplog.messages[-1]


@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        (
            "sm80_xmma_wgrad_implicit_gemm_indexed_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize128x128",
            "convolution",
        ),
        (
            "void cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816fprop_optimized_bf16_64x64>",
            "convolution",
        ),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<__nv_bfloat16, float>", "convolution"),
        ("void cudnn::bn_bw_1C11_kernel_new<float, float, float2, 512, true, 1>", "normalization"),
        ("void at::native::batch_norm_collect_statistics_channels_last_kernel<4>", "normalization"),
        (f"{ELEMENTWISE}launch_clamp_scalar(at::TensorIteratorBase&)", "activation"),
        (f"{ELEMENTWISE}threshold_kernel_impl<float>(at::TensorIteratorBase&)", "activation"),
        (
            "void at::native::(anonymous namespace)::multi_tensor_apply_kernel<FusedSgdMathFunctor>",
            "optimizer",
        ),
        ("void at::native::(anonymous namespace)::indexSelectLargeIndex<unsigned char, long>", "images"),
        ("void at::native::(anonymous namespace)::distribution_elementwise_grid_stride_kernel", "images"),
        ("sm80_xmma_gemm_f32f32_f32f32_f32_tn_n_tilesize128x64x8", "linear layers"),
        ("nvjet_tst_128x24_64x11_2x1_v_bz_TNT", "linear layers"),
        (f"{ELEMENTWISE}bfloat16_copy_kernel_cuda(at::TensorIteratorBase&)", "copies"),
        ("Memcpy DtoD (Device -> Device)", "copies"),
        (f"{ELEMENTWISE}CUDAFunctor_add<float>", "joins and sums"),
        ("void at::native::reduce_kernel<128, 4, at::native::ReduceOp<float>>", "joins and sums"),
        ("triton_poi_fused__native_batch_norm_legit_functional_add_relu_5", "compiled"),
        (f"{ELEMENTWISE}BinaryFunctor<float, MulFunctor>", "the rest"),
    ],
)
def test_kernels_of_a_gpu_belong_to_the_kinds_of_their_operations(kernel: str, expected: str) -> None:
    assert kind(kernel) == expected


def event(
    key: str,
    cpu: float = 0.0,
    gpu: float = 0.0,
    device: str = "CPU",
    annotation: bool = False,
) -> Any:
    """Return what a profiler says of an operation or a kernel, in microseconds."""
    return SimpleNamespace(
        key=key,
        self_cpu_time_total=cpu,
        self_device_time_total=gpu,
        device_type=SimpleNamespace(name=device),
        is_user_annotation=annotation,
    )


def test_shares_are_of_one_of_the_five_steps_that_are_watched_the_largest_first() -> None:
    """What holds the operations of a step is not counted once more."""
    times = {"aten::mul": 5_000.0, "aten::conv2d": 10_000.0, "aten::relu_": 2_000.0, "ProfilerStep#5": 1e9}
    events = [event(key, time) for key, time in {**times, "aten::convolution": 3_000.0}.items()]
    assert shares(events) == [
        "A step takes 4.0 ms under the profiler:",
        "      2.60 ms  65.0%  convolution",
        "      1.00 ms  25.0%  the rest",
        "      0.40 ms  10.0%  activation",
    ]


def test_a_kernel_is_counted_once_and_what_the_host_did_beside_it_not_at_all() -> None:
    """Torch lists a kernel's time under its own name, under its operation, and under what holds both."""
    kernels = {"sm80_xmma_fprop_implicit_gemm_bf16": 10_000.0, "triton_poi_fused_add_0": 5_000.0}
    events = [
        *(event(name, gpu=time, device="CUDA") for name, time in kernels.items()),
        event("aten::cudnn_convolution", cpu=700.0, gpu=10_000.0),
        event("aten::empty", cpu=9_000.0),
        event("cudaGraphLaunch", cpu=4_000.0, gpu=5_000.0),
        event("ProfilerStep#5", cpu=1e9, gpu=15_000.0),
        event("ProfilerStep#5", gpu=1e9, device="CUDA", annotation=True),
        event("Optimizer.step#SGD.step", gpu=2_000.0, device="CUDA", annotation=True),
    ]
    assert shares(events) == [
        "The GPU computes 3.0 ms a step under the profiler:",
        "      2.00 ms  66.7%  convolution",
        "      1.00 ms  33.3%  compiled",
    ]


@pytest.mark.parametrize(
    ("device", "activities", "first"),
    [
        ("cpu", [ProfilerActivity.CPU], 3),
        ("cuda", [ProfilerActivity.CPU, ProfilerActivity.CUDA], WARM_UP + 2),
    ],
)
def test_five_steps_are_watched_behind_those_that_set_up_on_the_device_of_the_run(
    device: str,
    activities: list[ProfilerActivity],
    first: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}

    def record(**given: Any) -> SimpleNamespace:
        asked.update(given)
        return SimpleNamespace(start=lambda: None)

    monkeypatch.setattr(profiling, "profile", record)
    Profiling(NullProgress(), tmp_path, torch.device(device))
    assert asked["activities"] == activities
    actions = [asked["schedule"](step) for step in range(20)]
    watched = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)
    watched_steps = [step for step, action in enumerate(actions) if action in watched]
    assert len(watched_steps) == 5 and watched_steps[0] >= first

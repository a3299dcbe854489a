"""What makes a run fast changes only its speed: compiled pass, recomputed blocks, the rule that chooses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.config import RunConfig
from skiprun.errors import ConfigError, InputError, Stopped
from skiprun.experiment import threads as threads_module
from skiprun.experiment.prepare import prepare
from skiprun.models import build_model
from skiprun.registry import MODELS
from skiprun.system.machine import keep_memory
from skiprun.training import cpu_threads
from skiprun.training.acceleration import compile_trial
from skiprun.training.acceleration.activation_checkpointing import apply_activation_checkpointing
from skiprun.training.acceleration.compilation import ForwardPass, choose_execution
from skiprun.training.checkpoint_file import load
from skiprun.training.cpu_threads import choose_threads
from skiprun.training.device import choose_device, fast_precision
from skiprun.training.trainer import Trainer
from tests.support.compare import assert_same
from tests.support.tiny import TinyData, tiny_config, tiny_trainer
from tests.training.test_trainer import StopAt, assert_same_run, lines

CIFAR = {"model": {"name": "resnet20"}, "data": {"name": "cifar10", "batch_size": 128}}
RESNET20_BYTES = 1_522_624


def way(steps: int, **compute: Any) -> str:
    config = tiny_config(**CIFAR, schedule={"steps": steps}, compute={"device": "cpu"} | compute)
    return choose_execution(config, torch.device(config.compute.device), 45_000, RESNET20_BYTES)


def test_fusing_pays_for_the_64000_steps_of_he_2015_and_not_for_five() -> None:
    assert way(64_000) == "fused"
    assert way(5) == "eager"
    assert way(64_000, compile="on") == "compiled"
    assert way(64_000, compile="off") == "eager"
    assert way(1, compile="fused") == "fused"


@pytest.mark.parametrize(
    "hindrance", [{"device": "cuda"}, {"activation_checkpointing": True}, {"channels_last": False}]
)
def test_what_cannot_be_fused_is_not_tried(hindrance: dict[str, Any]) -> None:
    assert way(64_000, **hindrance) == "eager"


def test_fusing_is_refused_on_a_gpu() -> None:
    with pytest.raises(InputError, match="fused, which is for CPUs"):
        way(1, compile="fused", device="cuda")


def test_without_a_compiler_nothing_is_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert way(64_000) == "eager"


@pytest.mark.parametrize(
    ("amx", "avx512", "chosen"), [(True, True, "bf16"), (False, True, "bf16"), (False, False, "fp32")]
)
def test_a_cpu_takes_bf16_where_it_multiplies_it(
    amx: bool, avx512: bool, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert fast_precision(torch.device("cpu")) == chosen
    assert choose_device(tiny_config(compute={"device": "cpu", "precision": "fp32"})).precision == "fp32"


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("busy", "chosen"), [(False, 4), (True, 1)])
def test_a_large_network_takes_the_threads_that_are_faster_now(
    busy: bool, chosen: int, monkeypatch: pytest.MonkeyPatch, threads: None
) -> None:
    clock = [0.0]

    def step() -> None:
        clock[0] += (5.0 if torch.get_num_threads() > 1 else 2.0) if busy else 2.0 / torch.get_num_threads()

    monkeypatch.setattr(cpu_threads, "cores", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    before = torch.get_num_threads()
    assert choose_threads(tiny_config(compute={"device": "cpu"}), 10**12, step) == chosen
    assert choose_threads(tiny_config(compute={"device": "cpu", "threads": 3}), 10**12, step) == 3
    assert choose_threads(tiny_config(compute={"device": "cpu"}), 10**4, step) == 1
    assert torch.get_num_threads() == before


def test_trying_threads_changes_nothing_of_the_network(
    monkeypatch: pytest.MonkeyPatch, threads: None
) -> None:
    tried = []

    def choose(config: RunConfig, macs: int, step: Callable[[], object] | None = None) -> int:
        if step is None:
            return 1
        tried.append(step())
        return 3

    for module in (import_module("skiprun.experiment.prepare"), threads_module):
        monkeypatch.setattr(module, "choose_threads", choose)
    found = prepare(tiny_config(data={"name": "digits"}, compute={"device": "cpu"}))
    before = {key: value.clone() for key, value in found.model.state_dict().items()}
    assert threads_module.try_threads(found).setup.threads == 3 and found.setup.threads == 1
    assert tried == [None]
    assert all(torch.equal(value, before[key]) for key, value in found.model.state_dict().items())
    assert all(parameter.grad is None for parameter in found.model.parameters())


def test_a_run_on_digits_is_eager_and_others_say_what_they_are() -> None:
    parts = prepare(tiny_config(compute={"device": "cpu"}))
    assert parts.setup.execution == "eager"
    assert "eager" not in str(parts.setup)
    assert str(replace(parts.setup, execution="fused")).endswith("fused")


def compiled_trainer(folder: Path, **options: Any) -> Trainer:
    """Return a trainer that compiles, with its hooks unwatched."""
    config = tiny_config(
        compute={"compile": "on"} | options.pop("compute", {}), **options.pop("sections", {})
    )
    setup = replace(choose_device(config), execution="compiled")
    return tiny_trainer(folder, config, setup=setup, **options)


def test_a_compiler_that_fails_costs_one_line_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no C++ compiler was found\nset TORCH_LOGS")

    monkeypatch.setattr(torch, "compile", broken)
    compiled_trainer(tmp_path / "failed").fit()
    assert [line for line in caplog.messages if "failed" in line] == [
        "Compiling the training pass failed, so the run goes on without: no C++ compiler was found"
    ]
    tiny_trainer(tmp_path / "eager", tiny_config()).fit()
    assert lines(tmp_path / "failed") == lines(tmp_path / "eager")
    assert load(tmp_path / "failed" / "last.pt")["pass"] == "eager"


@pytest.mark.parametrize("failing", ["forward", "backward"])
def test_a_compiler_may_fail_in_either_pass(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Torch compiles the backward pass when it is first run, unless it is told to do so before."""
    from torch._dynamo.backends.common import aot_autograd
    from torch._dynamo.backends.debugging import boxed_nop

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the linker was not found\nset TORCH_LOGS")

    compilers = {name: broken if name == failing else boxed_nop for name in ("forward", "backward")}
    backend = aot_autograd(fw_compiler=compilers["forward"], bw_compiler=compilers["backward"])
    compile_with = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model, **_: compile_with(model, backend=backend))
    config = tiny_config(schedule={"steps": 2}, probes=[])
    setup = replace(choose_device(config), execution="compiled")
    tiny_trainer(tmp_path / "failed", config, setup=setup).fit()
    (said,) = [line for line in caplog.messages if "failed" in line]
    assert said.startswith("Compiling the training pass failed, so the run goes on without: ")
    assert "the linker was not found" in said and "\n" not in said
    tiny_trainer(tmp_path / "eager", config).fit()
    assert lines(tmp_path / "failed") == lines(tmp_path / "eager")


def test_a_pass_that_is_watched_by_hooks_runs_uncompiled() -> None:
    model = torch.nn.Linear(2, 2)
    network = ForwardPass(model, "compiled")
    network.call = lambda images: images
    images = torch.ones(1, 2)
    assert network(images) is images
    assert torch.equal(network(images, eager=True), model(images))


def test_the_choice_to_compile_goes_with_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda model, **_: model)
    config = tiny_config()
    chosen = replace(choose_device(config), execution="compiled")
    with pytest.raises(Stopped):
        tiny_trainer(tmp_path, config, setup=chosen, stop_signal=StopAt(2)).fit()
    continued = tiny_trainer(tmp_path, config)
    assert continued.forward_pass.execution == "compiled"


@pytest.mark.slow
def test_a_compiled_run_stopped_and_continued_ends_with_the_same_bits(tmp_path: Path) -> None:
    compiled_trainer(tmp_path / "whole").fit()
    with pytest.raises(Stopped):
        compiled_trainer(tmp_path / "parts", stop_signal=StopAt(5)).fit()
    continued = compiled_trainer(tmp_path / "parts")
    assert continued.step == 5
    continued.fit()
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


@pytest.mark.slow
def test_a_compiled_run_computes_what_an_eager_one_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    compiled_trainer(tmp_path / "compiled").fit()
    assert "Compiling the training pass" in caplog.messages[0]
    assert len(caplog.messages) == 1
    tiny_trainer(tmp_path / "eager", tiny_config()).fit()
    for one, other in zip(lines(tmp_path / "compiled")[:3], lines(tmp_path / "eager")[:3], strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=1e-4)
        assert one["grad/total"] == pytest.approx(other["grad/total"], rel=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_compiled_run_on_a_gpu_computes_what_an_eager_one_does(tmp_path: Path, accumulate: int) -> None:
    optim, compute = {"accumulate": accumulate}, {"device": "cuda"}
    compiled_trainer(tmp_path / "compiled", sections={"optim": optim}, compute=compute).fit()
    tiny_trainer(tmp_path / "eager", tiny_config(optim=optim, compute=compute)).fit()
    for one, other in zip(lines(tmp_path / "compiled")[:3], lines(tmp_path / "eager")[:3], strict=True):
        assert one["train/loss"] == pytest.approx(other["train/loss"], rel=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_compiled_code_proves_itself_on_a_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, precision: str
) -> None:
    """Whatever the clock says of so small a network."""
    monkeypatch.setattr(compile_trial, "SECONDS_A_MODULE", 0.0)
    monkeypatch.setattr(compile_trial, "balance", lambda *times: (True, "it pays"))
    compute = {"device": "cuda", "cuda_graph": True, "precision": precision}
    trainer = tiny_trainer(tmp_path, tiny_config(compute=compute))
    trainer.fit()
    assert "Compiled code makes the steps from here on: it pays." in caplog.messages
    assert load(tmp_path / "last.pt")["pass"] == "compiled"


@pytest.mark.parametrize("optim", [{}, {"ema": 0.9}], ids=["weights", "average"])
def test_recomputed_blocks_train_to_the_same_bits(tmp_path: Path, optim: dict[str, Any]) -> None:
    tiny_trainer(tmp_path / "kept", tiny_config(optim=optim)).fit()
    tiny_trainer(
        tmp_path / "again", tiny_config(optim=optim, compute={"activation_checkpointing": True})
    ).fit()
    assert lines(tmp_path / "kept") == lines(tmp_path / "again")
    kept, again = (load(tmp_path / name / "last.pt") for name in ("kept", "again"))
    assert_same(kept["model"], again["model"])  # running statistics have seen each batch once


@pytest.mark.parametrize("name", {MODELS[name].info.family: name for name in MODELS.names()}.values())
def test_blocks_of_every_family_can_be_recomputed(name: str) -> None:
    """Whatever a block takes: those of UNet++ take a list."""
    with torch.device("meta"):
        model, images = build_model(name, 2), torch.empty(2, 3, 64, 64)
    apply_activation_checkpointing(model)
    model(images).sum().backward()
    assert all(each.grad is not None for each in model.parameters())


def test_recomputed_blocks_keep_less_for_the_backward_pass(tmp_path: Path) -> None:
    held = {}
    for recompute in (False, True):
        trainer = tiny_trainer(
            tmp_path / str(recompute), tiny_config(compute={"activation_checkpointing": recompute})
        )
        bytes_: dict[int, int] = {}

        def keep(tensor: torch.Tensor, bytes_: dict[int, int] = bytes_) -> torch.Tensor:
            bytes_[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            output = trainer.model(TinyData(torch.device("cpu")).images[:16])
        held[recompute] = sum(bytes_.values())
        del output
    assert held[True] < 0.7 * held[False]


def test_recompute_is_refused_beside_what_it_would_upset() -> None:
    for word in ("on", "fused"):
        with pytest.raises(ConfigError, match=f"compile: {word}"):
            tiny_config(compute={"activation_checkpointing": True, "compile": word})
    with pytest.raises(ConfigError, match="twice"):
        prepare(tiny_config(probes=["branch_split"], compute={"activation_checkpointing": True}))


def test_memory_is_kept_where_the_c_library_can_and_nothing_breaks_where_it_cannot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keep_memory()
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    keep_memory()

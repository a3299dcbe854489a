"""Choose how a training pass is executed: eagerly, fused on a CPU, or by torch.compile.

`auto` fuses where that pays: steps x seconds saved > seconds that it costs to prepare. Whether it pays is a
function of config and machine, never of a clock, so that runs repeat. On a GPU see `compile_trial`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.errors import InputError, in_a_line
from skiprun.system.files import delete_spare
from skiprun.system.ordinary_files import open_to_read
from skiprun.system.torch_internals import (
    backward_compiled_at_once,
    inductor_options,
    raised_by_compiler,
    use_private_cache,
)
from skiprun.training.acceleration.fusion import fuse
from skiprun.training.acceleration.kernels.library import find_compiler
from skiprun.training.device import Execution
from skiprun.training.schedule import total_steps

log = logging.getLogger(__name__)

# Measured on one core with AVX512-BF16: at 128 images of 32x32 in bf16 a step of resnet20, which keeps 1.5 MB
# of each image in float32, takes 76 ms less; a third of that where only the normalizations gain. Tracing a
# network takes a moment; compiling the kernels takes 3 s more, but once on a machine and not in each run.
SECONDS_SAVED_PER_BYTE = 4e-10
SECONDS_TO_PREPARE = 0.25
# What an interrupted run loses has to come back twice.
MARGIN = 2.0
# For torch.compile. Two passes for a variance take half the time of Welford's one, and products that are
# added at once (as exact, or more) 0.6 of the backward pass of batch normalization.
FASTER: dict[str, int | str] = {
    "cpp.use_two_step_variance_threshold": 1 << 30,
    "cpp.enable_floating_point_contract_flag": "fast",
}
# Where the header of a 64-bit ELF file has the place, the entry size and the length of the section table.
ELF_SECTIONS = (slice(40, 48), slice(58, 60), slice(60, 62))
WORDS: dict[str, Execution] = {"fused": "fused", "on": "compiled", "off": "eager"}


def choose_execution(
    config: RunConfig, device: torch.device, samples: int, activation_bytes: int
) -> Execution:
    """Return how to compute the training pass of a run: what the config says, else by the expected gain.

    Args:
        config: with the batch size and the length of the run.
        device: the one chosen.
        samples: images of the training split.
        activation_bytes: what a step in float32 keeps of each image.

    Raises:
        InputError: `compile: fused` on a GPU.
    """
    on_gpu = device.type == "cuda"
    if config.compute.compile == "fused" and on_gpu:
        raise InputError(
            f"{config.place('compute.compile')}: found fused, which is for CPUs; use auto, on or off."
        )
    if config.compute.compile != "auto":
        return WORDS[config.compute.compile]
    # A GPU tries compiled code within a run; recomputed blocks are functions that cannot be looked into.
    if (
        on_gpu
        or config.compute.activation_checkpointing
        or not config.compute.channels_last
        or not find_compiler()
    ):
        return "eager"
    saved = total_steps(config, samples) * config.data.batch_size * activation_bytes * SECONDS_SAVED_PER_BYTE
    return "fused" if saved > MARGIN * SECONDS_TO_PREPARE else "eager"


class ForwardPass:
    """A network's forward pass as training calls it."""

    def __init__(self, model: nn.Module, execution: Execution) -> None:
        """Keep what is needed; the first call, with the network in training, fuses and compiles."""
        self.model, self.execution = model, execution
        self.call: Callable[[Tensor], Tensor] | None = None

    def __call__(self, images: Tensor, eager: bool = False) -> Tensor:
        """Return the network's output; `eager` where hooks watch, which another pass does not call."""
        if eager or self.execution == "eager":
            return self.model(images)
        if self.call is not None:  # a compiled module has no truth value
            return self.call(images)
        random, buffers = torch.get_rng_state(), [buffer.clone() for buffer in self.model.buffers()]
        try:
            if self.execution == "fused":
                self.call = fuse(self.model)
                return self.call(images)
            self.call = self._compile()
            with backward_compiled_at_once():  # so that all that may fail does so here
                return self.call(images)
        except Exception as error:  # compilers fail in many ways, and a run does not need one
            verb = "Fusing" if self.execution == "fused" else "Compiling"
            self.choose("eager")
            why = in_a_line(raised_by_compiler(error))
            log.info(f"{verb} the training pass failed, so the run goes on without: {why}")
            torch.set_rng_state(random)  # half a pass may have been computed
            with torch.no_grad():
                for buffer, before in zip(self.model.buffers(), buffers, strict=True):
                    buffer.copy_(before)
            return self.model(images)

    def choose(self, execution: Execution) -> None:
        """Compute otherwise from the next call on."""
        self.execution, self.call = execution, None

    def _compile(self) -> Callable[[Tensor], Tensor]:
        folder = use_private_cache()
        log.info(f"Compiling the training pass; the code is kept in {folder}.")
        for file in filter(is_cut_short, Path(folder).rglob("*.so")):
            log.info(f"{file} is damaged; it is compiled again.")
            delete_spare(file)
        known = inductor_options()
        options = {name: value for name, value in FASTER.items() if name in known}
        # Shapes never change: all batches of a run have one size.
        return torch.compile(self.model, dynamic=False, options={**options})


def is_cut_short(library: Path) -> bool:
    """Tell whether an ELF file lacks its end, where linkers put the section table: loading it is fatal."""
    with open_to_read(library) as file:
        header, size = file.read(64), library.stat().st_size
    first, length, count = (int.from_bytes(header[part], "little") for part in ELF_SECTIONS)
    return len(header) < 64 or (header.startswith(b"\x7fELF\x02") and size < first + length * count)

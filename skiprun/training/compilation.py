"""The training pass of a network, compiled where that pays: steps x seconds saved > seconds that compiling costs.

Compiling fuses what lies between the convolutions, so it saves in proportion to the activations; it costs in proportion
to the layers. Whether it pays is a function of config and machine, never of a clock, so that runs repeat.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import platformdirs
import torch
from torch import Tensor, nn

from skiprun.config import RunConfig
from skiprun.training.device import has_matrix_units
from skiprun.training.optim import total_steps

# Measured on one core with AVX-512 and AMX: at 128 pictures of 32x32 in bf16 a step of resnet20, which keeps 1.5 MB of
# each picture in float32, takes 164 ms instead of 195; compiling its 20 layers takes about 65 s.
SECONDS_SAVED_A_BYTE = 1.6e-10
SECONDS_A_LAYER = 3.5
# Two passes for a variance take half the time of Welford's one, and products that are added at once (as exact, or more)
# 0.6 of the backward pass of batch normalization.
FASTER: dict[str, Any] = {
    "cpp.use_two_step_variance_threshold": 1 << 30,
    "cpp.enable_floating_point_contract_flag": "fast",
}
# Compiling is an investment that an interrupted run loses: it has to come back twice.
MARGIN = 2.0


def compile_pays(config: RunConfig, samples: int, layers: int, activation_bytes: int, precision: str) -> bool:
    """Tell whether to compile a run: what the config says, else by the expected gain.

    Args:
        config: with the batch size and the length of the run.
        samples: pictures of the training split.
        layers: weighted layers of the network.
        activation_bytes: what a step in float32 keeps of each picture.
        precision: the one chosen, fp32 or bf16.
    """
    if config.compile != "auto":
        return config.compile == "on"
    # On a GPU the gain is not measured yet; a strength that changes while training would be compiled over and over.
    if config.device == "cuda" or torch.cuda.is_available() or config.model.skip_schedule or config.recompute:
        return False
    # Without matrix units bf16 leaves nothing to gain: 226 ms as it is, 231 compiled, 160 of them in convolutions.
    if precision == "bf16" and not has_matrix_units():
        return False
    saved = total_steps(config, samples) * config.data.batch_size * activation_bytes * SECONDS_SAVED_A_BYTE
    return saved > MARGIN * layers * SECONDS_A_LAYER


class TrainingPass:
    """A network's forward pass as training calls it: compiled, or as it is."""

    def __init__(self, model: nn.Module, compiled: bool, say: Callable[[str], None]) -> None:
        """Prepare; compiling happens at the first call."""
        self.model, self.compiled, self.say = model, compiled, say
        self.call: Callable[[Tensor], Tensor] | None = None

    def __call__(self, pictures: Tensor, eager: bool = False) -> Tensor:
        """Return the network's output; `eager` where hooks watch, which a compiled pass does not call."""
        if eager or not self.compiled:
            return self.model(pictures)
        if self.call is not None:  # a compiled module has no truth value
            return self.call(pictures)
        try:
            return self._compile()(pictures)
        except Exception as error:  # compilers fail in many ways, and a run does not need one
            self.compiled, self.call = False, None
            self.say(f"Compiling failed, so the run goes on without: {reason(error)}")
            return self.model(pictures)

    def _compile(self) -> Callable[[Tensor], Tensor]:
        self.say(f"Compiling the training pass; the code is kept in {use_cache()}.")
        # Shapes never change: all batches of a run have one size.
        self.call = torch.compile(self.model, dynamic=False, options=FASTER)
        return self.call


def use_cache() -> str:
    """Let compiled code be kept in the user's cache, unless the environment names another place; return the place."""
    place = str(platformdirs.user_cache_path("skiprun") / "compiled")
    return os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", place)


def reason(error: Exception) -> str:
    """Return the first line of an error, without the advice to developers that follows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

"""Tell whether two ways to make a step differ by rounding alone.

How far rounding takes a step is seen from one whose weights are moved a little: the networks of the first
steps amplify it by orders of magnitude, and each does so otherwise.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import torch
from torch import Tensor

from skiprun.training.acceleration.graph_trial import Work
from skiprun.training.step_state import KeptState, Tensors, cloned

# Each weight is moved by up to this part of itself: half the distance of two numbers of bf16, or of TF32's 10
# bits; a sum of some hundred products in float32 loses four bits.
NUDGE = {"bf16": 2.0**-8, "tf32": 2.0**-11, "fp32": 2.0**-19}
# Between a step of a CPU and the same one compiled, of resnet20, preact20, plain56 and densenet40_12 in fp32
# or bf16, no tensor changed more than 1.7 times as differently.
TOLERANCE = 3.0
# So small a part of a change is no fault in any case, and what is stored is rounded.
SMALL, STORED = 1e-4, 2.0**-23


def changes(kept: KeptState, work: Work, nudge: float = 0.0) -> Tensors:
    """Return what some work returns, and what it changes in all that a step changes, which is put back after.

    Args:
        kept: what is there now.
        work: makes a step.
        nudge: moves each weight before, by up to this part of itself.
    """
    with torch.no_grad():
        for weight in kept.places["weights"] if nudge else []:
            weight.mul_(1 + nudge * irregular(weight))
    before = cloned(kept.of.tensors())
    found = {"metrics": [work()], "draws": kept.of.generators()}
    for kind, tensors in kept.of.tensors().items():
        found[kind] = apart(tensors, before[kind])
    kept.put_back()
    return found


def irregular(tensor: Tensor) -> Tensor:
    """Return numbers from -1 to 1 in the shape of a tensor, always the same ones, in no order."""
    return torch.arange(tensor.numel(), device=tensor.device).cos().view(tensor.shape)


def difference(expected: Tensors, nudged: Tensors, found: Tensors, stored: Tensors) -> str | None:
    """Say what changed otherwise than rounding explains, if something did.

    A tensor may differ as much as it does where weights are nudged, or as the middle one of its kind does: an
    activation that is nearly 0 takes its sign from the last digit, and some tensors with it.

    Args:
        expected: changes of a step.
        nudged: changes of a step from weights that are nudged.
        found: changes of a step that is made otherwise.
        stored: what was changed.
    """
    if not all(map(torch.equal, expected["draws"], found["draws"])):
        return "it draws other random numbers"
    # One answer more or less among the totals says nothing: outputs that are wrong are seen in the metrics.
    for kind in (each for each in expected if each not in ("draws", "totals")):
        whole, old = lengths(expected[kind]), lengths(stored.get(kind, expected[kind]))
        noise, off = (lengths(apart(expected[kind], others[kind])) for others in (nudged, found))
        shares = [part / all_of_it for part, all_of_it in zip(noise, whole, strict=True) if all_of_it]
        usual = statistics.median(shares) if shares else 0.0
        for number, length in enumerate(off):
            rounding = TOLERANCE * max(noise[number], usual * whole[number])
            if not length <= rounding + SMALL * whole[number] + STORED * old[number]:
                return f"its {kind} are off by {length:.2g}, where a step changes {whole[number]:.2g}"
    return None


def apart(some: Sequence[Tensor], others: Sequence[Tensor]) -> list[Tensor]:
    """Return the differences of tensors."""
    return [one.detach() - other for one, other in zip(some, others, strict=True)]


def lengths(tensors: Sequence[Tensor]) -> list[float]:
    """Return the Euclidean norm of each tensor."""
    norms = [torch.linalg.vector_norm(each.double()) for each in tensors]
    return torch.stack(norms).tolist() if norms else []

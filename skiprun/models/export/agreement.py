"""How near what a file computes is to the network that it was written from."""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from skiprun.errors import SkiprunError, in_a_line
from skiprun.models.export.base import Format

# Of the largest output. Sums in another order differ by about 1e-6 in most networks; float16 weights, a wrong
# layer, or another mode of a batch norm by 1e-3 or more.
MAX_DIFFERENCE = 1e-5
# Times what float32 rounds in this network: in an ill-conditioned one that is more than the above.
MAX_ROUNDINGS = 4


@dataclass(frozen=True)
class Agreement:
    """How near a file is to a network, over some images.

    Attributes:
        max_difference: largest difference of an output to the network's.
        rounding: largest difference of the file's outputs to those of the network in float64.
        own_rounding: the same of the network itself, in float32.
        largest_output: of the network, which all three are to be measured by.
    """

    max_difference: float
    rounding: float
    own_rounding: float
    largest_output: float

    @property
    def holds(self) -> bool:
        """Whether outputs are the network's but for rounding, or as near to float64 as its own are."""
        small = self.max_difference <= MAX_DIFFERENCE * self.largest_output
        return small or self.rounding <= MAX_ROUNDINGS * self.own_rounding

    def __str__(self) -> str:
        return (
            f"outputs differ by {self.max_difference:.2g} where the largest is {self.largest_output:.3g}; "
            f"to float64 by {self.rounding:.2g}, and the network's own by {self.own_rounding:.2g}"
        )


@torch.no_grad()
def agreement(form: Format, content: bytes, images: Tensor, model: nn.Module, fresh: nn.Module) -> Agreement:
    """Return how near what a file computes is to a network.

    Args:
        form: of the file.
        content: of the file.
        images: [N, C, H, W], for both.
        model: the network, on the CPU, in evaluation mode.
        fresh: one like it, which the weights of a file without a graph are loaded into.

    Raises:
        SkiprunError: the file computes something else, or nothing.
    """
    expected, exact = model(images), copy.deepcopy(model).double()(images.double())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "file")
        file.write_bytes(content)
        try:
            found = form.outputs(file, images, fresh)
        except Exception as error:
            raise SkiprunError(f"as {form.name}, it computes nothing: {in_a_line(error)}") from error
    differences = (found - expected, found - exact, expected - exact, expected)
    found_agreement = Agreement(*(each.abs().max().item() for each in differences))
    if not found_agreement.holds:
        raise SkiprunError(f"as {form.name}, it computes something else: {found_agreement}.")
    return found_agreement

"""What a format of files is: how a network is written to it, and what such a file computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn

from skiprun.errors import InputError

Facts = Mapping[str, str]  # of a network: its classes, how images are normalized, where it comes from
INPUT, OUTPUT = "images", "logits"  # names in graphs


@dataclass(frozen=True)
class Format:
    """A format of files.

    Attributes:
        name: for people.
        needs: packages that it cannot be written or read without.
        write: the bytes of a file, from a network, an example of its input [B, C, H, W], facts of it, and
            whether a graph is to take images that are larger than the example too.
        outputs: what a file computes of images [N, C, H, W]; one of weights alone is loaded into the network.
        graph: whether it holds what is computed, beside the weights.
    """

    name: str
    needs: tuple[str, ...]
    write: Callable[[nn.Module, Tensor, Facts, bool], bytes]
    outputs: Callable[[Path, Tensor, nn.Module], Tensor]
    graph: bool = False

    def check_installed(self) -> None:
        """Raise InputError if a package that it needs is not installed."""
        missing = [name for name in self.needs if not find_spec(name)]
        if missing:
            raise InputError(
                f"{self.name} needs {', '.join(missing)}; install with `pip install 'skiprun[export]'`."
            )

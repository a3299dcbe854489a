"""What a simulated GPU notices, and where in skiprun that was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import skiprun
from skiprun.system import torch_internals

PACKAGE = str(Path(skiprun.__file__).parent)
MODE = torch_internals.__file__  # every operation passes through the mode that is made of its class
Kind = Literal["wait", "race", "host scalar"]


@dataclass(frozen=True)
class Finding:
    """Something that a GPU would not do, or would be slow to.

    Attributes:
        kind: a wait of the host for the device; a race of two streams; a number read from a host tensor.
        what: the operation, or what is wrong with it.
        function: of skiprun that asked for it; `backward` where torch did.
        line: file and line of that.
        in_epoch: whether it was between two steps of one epoch, or in a step.
    """

    kind: Kind
    what: str
    function: str
    line: str
    in_epoch: bool


def find(kind: Kind, what: object) -> Finding:
    """Return a finding at the place that is computing now."""
    frames = [frame for frame in _stack() if _is_ours(frame.f_code.co_filename)]
    if not frames:  # autograd computes the backward pass in a thread of its own
        return Finding(kind, str(what), "backward", "", in_epoch=True)
    names = {frame.f_code.co_name for frame in frames}
    place = frames[0].f_code.co_filename.removeprefix(PACKAGE)
    line = f"{place}:{frames[0].f_lineno}"
    in_epoch = "train_to" in names and "save" not in names
    return Finding(kind, str(what), frames[0].f_code.co_name, line, in_epoch)


def is_in_step() -> bool:
    """Tell whether a training step is being made."""
    return any(frame.f_code.co_name == "train_step" for frame in _stack())


def _is_ours(file: str) -> bool:
    return file.startswith(PACKAGE) and file != MODE


def _stack() -> Iterator[FrameType]:
    """Yield the frames of this thread, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame:
        yield frame
        frame = frame.f_back

"""Find the one state dict in what a weight file holds, under whatever key the program that wrote it chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from skiprun.errors import CheckpointError, some
from skiprun.models.weights.torch_file import Inert

State = dict[str, Tensor]
# Where programs keep the weights in what they save; of two that are there, the first is taken.
KEYS = ("model", "state_dict", "model_state_dict", "model_state", "net", "network", "weights", "params")
AVERAGES = ("state_dict_ema", "model_ema", "ema")
DEEPEST = 3  # levels of dicts to look into


@dataclass(frozen=True)
class Given:
    """Weights as they were given.

    Attributes:
        state: tensors by name.
        source: where they came from, for people.
        remark: which part of a file was taken, and what else it holds; empty where it holds nothing else.
        pads_both: whether the zeros of option A stand on both sides in their network; None where that is not
            known.
    """

    state: State
    source: str
    remark: str = ""
    pads_both: bool | None = None


def choose_state_dict(content: object, file: Path) -> Given:
    """Return the one state dict in what a file holds, and say which it is where there is more.

    Raises:
        CheckpointError: there is none, or several of which none is the usual one.
    """
    states = dict(_states(content))
    if not isinstance(content, Mapping) or not states:
        if isinstance(content, Inert):
            raise CheckpointError(
                f"{file}: holds a whole object, whose code is not run; save its state_dict()."
            )
        raise CheckpointError(f"{file}: holds no state dict of tensors.")
    path, *others = sorted(states, key=_rank)
    usual = {*KEYS, *AVERAGES} & {*path}
    if others and (not usual or _rank(path) == _rank(others[0])):
        names = some([".".join(each) for each in states])
        raise CheckpointError(
            f"{file}: holds several state dicts ({names}); save the one that is meant on its own."
        )
    return Given(states[path], str(file), _remark(content, path))


def _states(content: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], State]]:
    """Yield the state dicts in nested dicts, with the keys that lead there."""
    if not isinstance(content, Mapping) or not content or not all(isinstance(key, str) for key in content):
        return
    if all(isinstance(each, Tensor) for each in content.values()):
        yield path, dict(content)
    elif len(path) < DEEPEST:
        for key, each in content.items():
            yield from _states(each, (*path, key))


def _rank(path: tuple[str, ...]) -> list[int]:
    """Return how usual a place is, the least first."""
    known = [*KEYS, *AVERAGES]
    return [known.index(key) if key in known else len(known) for key in path]


def _remark(content: Mapping, path: tuple[str, ...]) -> str:
    """Say which part of a file was taken, and what stands beside it."""
    beside = []
    for key in path:
        beside += [other for other in content if other != key]
        content = content[key]
    if not beside:
        return ""
    return f"Taken: '{'.'.join(path)}' of the file; not used: {some(beside, 8)}."

"""Read weight files of torchvision, of a run or of another program as plain tensors; nothing is executed."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from skiprun.errors import CheckpointError, some
from skiprun.models.weights import published
from skiprun.models.weights.safetensors import is_safetensors, read_safetensors
from skiprun.models.weights.torch_file import Inert, Oversized, load_plain
from skiprun.run import Run, nearest_run, run_folder, runs_folder

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
        pads_both: whether the zeros of option A stand on both sides in their network; None where that is not known.
    """

    state: State
    source: str
    remark: str = ""
    pads_both: bool | None = None


def read_weights(wanted: str, architecture: str, download: bool = False) -> Given:
    """Return the tensors that a text means.

    Args:
        wanted: DEFAULT or another name of torchvision's weights, a file, or a run by its directory or name.
        architecture: the network's name, for torchvision's weights.
        download: whether torchvision's weights may be fetched.

    Raises:
        CheckpointError: they are not there, or cannot be used.
    """
    if published.NAME.fullmatch(wanted):
        file, name = published.torchvision_file(wanted, architecture, download)
        return Given(read_file(file).state, f"torchvision's {name}")
    path = run_folder(wanted, runs_folder())
    if path.is_dir():
        run = Run.open(path)
        shortcut = run.config.model.shortcut
        pads_both = None if shortcut in ("B", "C") else shortcut == "A_both"
        return Given(read_file(file_of(wanted)).state, f"run {run.path}", pads_both=pads_both)
    return read_file(file_of(wanted))


def file_of(wanted: str) -> Path:
    """Return the file that a path means, or the directory or the name of a run."""
    path = run_folder(wanted, runs_folder())
    return Run.open(path).checkpoints / "best.pt" if path.is_dir() else Path(wanted).expanduser()


def read_file(file: Path) -> Given:
    """Return the state dict in a file, as plain tensors, whole and finite.

    Raises:
        CheckpointError: the file is missing, damaged, larger inside than outside, holds no state dict or more than one,
            or a value that is not finite.
    """
    if not file.is_file():
        missing = f"there is no such file of weights.{nearest_run(runs_folder() / file)}"
        raise CheckpointError(f"{file}: {'it is not an ordinary file.' if file.exists() else missing}")
    try:
        content = read_content(file)
        given = chosen(content, file)
        bad = next((name for name, tensor in given.state.items() if not tensor.isfinite().all()), None)
    except CheckpointError:
        raise
    except Oversized as error:
        raise CheckpointError(f"{file}: {error}; not a whole file of plain weights.") from None
    except Exception as error:
        # torch has five kinds of errors for damage; none of their texts helps, and some advise to run the file.
        kind = type(error).__name__
        raise CheckpointError(
            f"{file}: not a whole file of plain weights (damaged, or of another kind; {kind})."
        ) from None
    if bad:
        raise CheckpointError(f"{file}: {bad} holds values that are not finite.")
    return given


def read_content(file: Path) -> object:
    """Return what a file of torch.save or of safetensors holds."""
    if is_safetensors(file):
        return read_safetensors(file)
    with file.open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pickles newer than torch's; what cannot be read is refused
        content = load_plain(stream)
        if zipfile.is_zipfile(stream) and (broken := zipfile.ZipFile(stream).testzip()):
            raise CheckpointError(f"{file}: damaged, the checksum of {broken} does not match.")
    return content


def chosen(content: object, file: Path) -> Given:
    """Return the one state dict in what a file holds, and say which it is where there is more.

    Raises:
        CheckpointError: there is none, or several of which none is the usual one.
    """
    states = dict(_states(content))
    if not isinstance(content, Mapping) or not states:
        if isinstance(content, Inert):
            raise CheckpointError(f"{file}: holds a whole object, whose code is not run; save its state_dict().")
        raise CheckpointError(f"{file}: holds no state dict of tensors.")
    path, *others = sorted(states, key=_rank)
    usual = {*KEYS, *AVERAGES} & {*path}
    if others and (not usual or _rank(path) == _rank(others[0])):
        names = some([".".join(each) for each in states])
        raise CheckpointError(f"{file}: holds several state dicts ({names}); save the one that is meant on its own.")
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

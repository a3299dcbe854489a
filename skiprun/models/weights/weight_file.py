"""Read weight files of torchvision, of a run or of another program as plain tensors; nothing is executed."""

from __future__ import annotations

import json
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from skiprun.errors import CheckpointError
from skiprun.models.weights import published
from skiprun.models.weights.safetensors import is_safetensors, read_safetensors
from skiprun.models.weights.state_dicts import Given, choose_state_dict
from skiprun.models.weights.torch_file import Oversized, load_plain
from skiprun.run import Run, nearest_run, run_folder, runs_folder


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
        return Given(read_weight_file(file).state, f"torchvision's {name}")
    path = run_folder(wanted, runs_folder())
    if path.is_dir():
        run = Run.open(path)
        sides = pads_both(run.config.model.shortcut)
        return Given(read_weight_file(file_of(wanted)).state, f"run {run.path}", pads_both=sides)
    return read_weight_file(file_of(wanted))


def pads_both(shortcut: str | None) -> bool | None:
    """Tell whether option A pads on both sides where `model.shortcut` is so; None where it pads nowhere."""
    return None if shortcut in ("B", "C") else shortcut == "A_both"


def file_of(wanted: str) -> Path:
    """Return the file that a path means, or the directory or the name of a run."""
    path = run_folder(wanted, runs_folder())
    return Run.open(path).checkpoints / "best.pt" if path.is_dir() else Path(wanted).expanduser()


def read_weight_file(file: Path) -> Given:
    """Return the state dict in a file, as plain tensors, whole and finite.

    Raises:
        CheckpointError: the file is missing, damaged, larger inside than outside, holds no state dict or more
            than one, or a value that is not finite.
    """
    if not file.is_file():
        missing = f"there is no such file of weights.{nearest_run(runs_folder() / file)}"
        raise CheckpointError(f"{file}: {'it is not an ordinary file.' if file.exists() else missing}")
    try:
        content = read_content(file)
        model = model_of_export(content)
        given = choose_state_dict(content, file)
        bad = next((name for name, tensor in given.state.items() if not tensor.isfinite().all()), None)
    except CheckpointError:
        raise
    except Oversized as error:
        raise CheckpointError(f"{file}: {error}; not a whole file of plain weights.") from None
    except Exception as error:
        # torch has five kinds of errors for damage; no text of them helps, some advise to run the file.
        kind = type(error).__name__
        raise CheckpointError(
            f"{file}: not a whole file of plain weights (damaged, or of another kind; {kind})."
        ) from None
    if bad:
        raise CheckpointError(f"{file}: {bad} holds values that are not finite.")
    return given if model is None else replace(given, pads_both=pads_both(model.get("shortcut")))


def model_of_export(content: object) -> dict[str, Any] | None:
    """Return what a file that `skiprun export` wrote says of its network; its metadata is taken out then."""
    match content:
        case {"metadata": {"skiprun": _, "model": str(model)}}:
            del content["metadata"]  # type: ignore[attr-defined]
            return dict(json.loads(model))
    return None


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

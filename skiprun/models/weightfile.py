"""Files of weights: torchvision's, a state dict, or a run's checkpoint, read as plain tensors and never executed."""

from __future__ import annotations

import hashlib
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from skiprun.errors import CheckpointError, did_you_mean
from skiprun.run import Run
from skiprun.storage import make_folder

TORCHVISION = re.compile(r"DEFAULT|IMAGENET1K_[A-Z0-9_]+")
# torchvision's files end in the first digits of their SHA-256.
HASH = re.compile(r"-([0-9a-f]{8,})\.")
# Wrappers put words before a name; torchvision's files of DenseNet have a dot where its modules have none.
PREFIX = re.compile(r"^((module|_orig_mod)\.)+")
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")


def read_weights(wanted: str, architecture: str, download: bool = False) -> tuple[dict[str, Tensor], str]:
    """Return the tensors that a text means, and the text for people.

    Args:
        wanted: DEFAULT or another name of torchvision's weights, a file, or a run's directory.
        architecture: the network's name, for torchvision's weights.
        download: whether torchvision's weights may be fetched.
    """
    if TORCHVISION.fullmatch(wanted):
        file, name = torchvision_file(wanted, architecture, download)
        return read_state(file), f"torchvision's {name}"
    path = Path(wanted).expanduser()
    if path.is_dir():
        run = Run.open(path)
        return read_state(run.checkpoints / "best.pt"), f"run {run.path}"
    return read_state(path), str(path)


def torchvision_file(wanted: str, architecture: str, download: bool) -> tuple[Path, str]:
    """Return the file of torchvision's weights and their full name."""
    from skiprun.vision import torchvision

    try:
        known = torchvision.models.get_model_weights(architecture)
    except ValueError:
        raise CheckpointError(
            f"model.weights: torchvision has no weights for {architecture}; name a file or a run."
        ) from None
    if wanted not in known.__members__:
        names = ["DEFAULT", *(each.name for each in known)]
        near = did_you_mean(wanted, names)
        raise CheckpointError(
            f"model.weights: {architecture} has no weights '{wanted}'.{near} It has {', '.join(names)}."
        )
    chosen = known[wanted]
    file = Path(torch.hub.get_dir()) / "checkpoints" / chosen.url.rsplit("/", 1)[-1]
    if not file.exists():
        fetch(chosen.url, file, download)
    digest = HASH.search(file.name)
    if digest and not hashlib.sha256(file.read_bytes()).hexdigest().startswith(digest.group(1)):
        raise CheckpointError(f"{file}: damaged, its checksum is not the one in its name; delete it.")
    return file, f"{known.__name__}.{chosen.name}"


def fetch(url: str, file: Path, download: bool) -> None:
    """Fetch a file if that is allowed and possible, or say how to get it."""
    way_out = f"put it there (from {url})"
    if not download:
        raise CheckpointError(
            f"model.weights: {file.name} is not in {file.parent}; set model.download_weights: true, or {way_out}."
        )
    make_folder(file.parent)
    digest = HASH.search(file.name)
    try:
        torch.hub.download_url_to_file(url, str(file), digest and digest.group(1), progress=False)
    except Exception as error:
        raise CheckpointError(
            f"model.weights: {file.name} could not be fetched to {file.parent} ({type(error).__name__}); {way_out}."
        ) from None


def read_state(file: Path) -> dict[str, Tensor]:
    """Return the state dict in a file of torch.save, as plain tensors, whole and finite.

    Raises:
        CheckpointError: the file is missing, damaged, holds more than plain tensors, or a value that is not finite.
    """
    if not file.is_file():
        raise CheckpointError(f"{file}: there is no such file of weights.")
    try:
        broken = zipfile.ZipFile(file).testzip() if zipfile.is_zipfile(file) else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles newer than torch's; what cannot be read is refused below
            state = {} if broken else plain_state(torch.load(file, map_location="cpu", weights_only=True))
        bad = next((name for name, tensor in state.items() if not tensor.isfinite().all()), None)
    except Exception as error:
        # torch has five kinds of errors for damage; none of their texts helps, and some advise to run the file.
        kind = type(error).__name__
        raise CheckpointError(
            f"{file}: not a whole file of plain weights (damaged, or of another kind; {kind})."
        ) from None
    if broken:
        raise CheckpointError(f"{file}: damaged, the checksum of {broken} does not match.")
    if not state:
        raise CheckpointError(f"{file}: holds no state dict of tensors.")
    if bad:
        raise CheckpointError(f"{file}: {bad} holds values that are not finite.")
    return state


def plain_state(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a state dict, alone or inside of a checkpoint, without the prefixes of wrappers."""
    for key in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(each, Tensor) for each in content.values()):
        return {}
    return {OLD_DENSENET.sub(r"\1\2.", PREFIX.sub("", str(name))): each for name, each in content.items()}

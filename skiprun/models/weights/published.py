"""torchvision's published weights: which exist, and their files, downloaded where that is allowed."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import torch

from skiprun.errors import CheckpointError, did_you_mean
from skiprun.system.files import make_folder

NAME = re.compile(r"DEFAULT|IMAGENET1K_[A-Z0-9_]+")
# torchvision's files end in the first digits of their SHA-256.
HASH = re.compile(r"-([0-9a-f]{8,})\.")


def torchvision_file(wanted: str, architecture: str, download: bool) -> tuple[Path, str]:
    """Return the file of torchvision's weights and their full name."""
    from skiprun.system.torchvision_repair import torchvision

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
        fetch_weights(chosen.url, file, download)
    digest = HASH.search(file.name)
    if digest and not hashlib.sha256(file.read_bytes()).hexdigest().startswith(digest.group(1)):
        raise CheckpointError(f"{file}: damaged, its checksum is not the one in its name; delete it.")
    return file, f"{known.__name__}.{chosen.name}"


def fetch_weights(url: str, file: Path, download: bool) -> None:
    """Fetch a file if that is allowed and possible, or say how to get it."""
    way_out = f"put it there (from {url})"
    if not download:
        raise CheckpointError(
            f"model.weights: {file.name} is not in {file.parent}; set model.download_weights: true, "
            f"or {way_out}."
        )
    make_folder(file.parent)
    digest = HASH.search(file.name)
    try:
        torch.hub.download_url_to_file(url, str(file), digest and digest.group(1), progress=False)
    except Exception as error:
        raise CheckpointError(
            f"model.weights: {file.name} could not be fetched to {file.parent} "
            f"({type(error).__name__}); {way_out}."
        ) from None

"""Overlays of masks: image, truth, prediction and errors of the same few images, epoch after epoch.

Each row is one image of the validation split, and at the end one of the test split where the network is
worst. Errors are red where it claims too much, light blue where it misses. The images are kept as files
beside the run, from which TensorBoard's view is rebuilt when a run is continued.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from skiprun.data import Split
from skiprun.data.source import Array
from skiprun.system.documents import Row
from skiprun.system.files import make_folder, write_bytes
from skiprun.system.ordinary_files import read_bytes
from skiprun.tasks.masks import predicted_classes
from skiprun.training.device import DeviceSetup
from skiprun.training.views.overlay_panels import panels

SAMPLES = 4
WORST = "worst.png"
MAX_OVERLAYS = 20  # overlays of a run, about


class Data(Protocol):
    """What must be known of a dataset (see skiprun.data.Loaders)."""

    @property
    def val(self) -> Split:
        """The validation split."""

    @property
    def test(self) -> Split:
        """The test split."""

    @property
    def device(self) -> torch.device:
        """Where its images are."""

    def normalize(self, images: Tensor) -> Tensor:
        """Return uint8 images as the network takes them."""


class ImageWriter(Protocol):
    """Something that shows images (see skiprun.training.views.tensorboard)."""

    def add_image(self, tag: str, png: bytes, step: int) -> None:
        """Show a PNG."""


class Overlays:
    """A view of a run's log that draws overlays at the first three epochs, about twenty, and each last."""

    def __init__(
        self,
        folder: Path,
        model: nn.Module,
        data: Data,
        setup: DeviceSetup,
        epochs: float,
        board: ImageWriter | None,
    ) -> None:
        self.folder, self.model, self.data, self.setup, self.board = folder, model, data, setup, board
        self.last = math.ceil(epochs)

    def add(self, record: Row) -> None:
        """Draw the overlays of an epoch, or show those that were drawn before the run was continued."""
        epoch, step = record["epoch"] or 0, int(record["step"] or 0)
        if not record.get("epoch_end") or not self.wants(epoch):
            return
        file = self.folder / f"epoch-{epoch:04.6g}.png"
        if not file.exists():
            make_folder(self.folder, below=self.folder.parent)
            first = torch.arange(min(SAMPLES, len(self.data.val)), device=self.data.device)
            write_bytes(file, draw_overlays(self.model, self.data, self.data.val, first, self.setup))
        if self.board is not None:
            self.board.add_image("overlays", read_bytes(file), step)

    def wants(self, epoch: float) -> bool:
        """Say whether an epoch is drawn; one that is not whole is the end of a run."""
        return (
            epoch <= 3
            or epoch % math.ceil(self.last / MAX_OVERLAYS) == 0
            or epoch == self.last
            or epoch % 1 > 0
        )

    def close(self) -> None:
        """Do nothing; every image is written at once."""


def write_worst(folder: Path, model: nn.Module, data: Data, scores: Array, setup: DeviceSetup) -> None:
    """Draw overlays of the test images with the lowest scores, the lowest first.

    Args:
        folder: of the overlays of a run.
        model: with the weights that were scored.
        data: its dataset.
        scores: float [N], of the images of the test split in stored order; higher is better.
        setup: where it computes.
    """
    lowest = torch.from_numpy(np.argsort(scores, kind="stable")[:SAMPLES]).to(data.device)
    make_folder(folder, below=folder.parent)
    write_bytes(folder / WORST, draw_overlays(model, data, data.test, lowest, setup))


@torch.no_grad()
def draw_overlays(model: nn.Module, data: Data, split: Split, index: Tensor, setup: DeviceSetup) -> bytes:
    """Return a PNG of some images of a split; the network's mode is left as it was."""
    images, targets = split.take(index)
    training = model.training
    with setup.autocast():  # one by one, as a step may hold no more
        found = [predicted_classes(model.eval()(data.normalize(image[None])).float()) for image in images]
    model.train(training)
    truth = targets[:, 0] if targets.ndim == 4 else targets
    arrays = (each.cpu().numpy() for each in (images.permute(0, 2, 3, 1), truth, torch.cat(found)))
    rows = [np.concatenate(panels(*row), axis=1) for row in zip(*arrays, strict=True)]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate(rows, axis=0)).save(buffer, format="png")
    return buffer.getvalue()

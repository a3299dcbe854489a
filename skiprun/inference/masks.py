"""Masks by a trained network: any image size, the same size out, in bounded memory.

A network whose training images were resized sees each image at that size, and its logits are brought back.
Any other network sees images as they are, large ones in tiles that overlap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from skiprun.data.channels import by_channel
from skiprun.data.source import Array
from skiprun.errors import explain_out_of_memory
from skiprun.inference.input_files import Input, read_each, refuse_bad
from skiprun.inference.mask_images import mask_png, overlay_png
from skiprun.inference.network_input import count_scaled, free_some, log_changes, read_any_size, to_channels
from skiprun.inference.output_files import Output
from skiprun.inference.predictions import Prediction
from skiprun.inference.sliding_window import sliding_window
from skiprun.run.documents import DataRecord
from skiprun.system.files import make_folder, write_bytes
from skiprun.system.progress import ProgressCallback
from skiprun.tasks.masks import predicted_classes

STRIP = 256  # rows of a mask that are interpolated at once


@dataclass(frozen=True)
class Segmenter:
    """A trained network that finds masks, and how it saw its images.

    Attributes:
        model: gives logits [1, K, H, W].
        data: what its run recorded of its data.
        size: width and height to which images were resized; None where they were seen as they are.
        background: the colour under transparency, where the run recorded none.
    """

    model: nn.Module
    data: DataRecord
    size: tuple[int, int] | None
    background: str

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.model.parameters()).device

    def read(self, file: Path, tally: Counter[str]) -> Array:
        """Return an image uint8 [H, W, 3]; see `read_any_size`."""
        return read_any_size(file, self.data, self.background, tally)

    def mask(self, image: Array, tally: Counter[str]) -> Array:
        """Return the classes of an image uint8 [H, W, 3], uint8 [H, W]; see `network_input` for the tally."""
        channels = self.data["image_shape"][0]
        seen = to_channels(image, channels, tally)
        if self.size is None:
            return sliding_window(seen, self.logits)
        height, width = image.shape[:2]
        count_scaled((width, height), self.size, tally)
        small = Image.fromarray(seen[..., 0] if channels == 1 else seen).resize(self.size)
        return resized_classes(self.logits(np.asarray(small)), height, width)

    def logits(self, pixels: Array) -> Tensor:
        """Return the logits [1, K, H, W] of an image uint8 [H, W] or [H, W, C]."""
        mean, std = (by_channel(self.data[key]) for key in ("mean", "std"))
        tensor = torch.from_numpy(pixels.copy()).view(*pixels.shape[:2], -1).permute(2, 0, 1)
        return self.model(((tensor.float() / 255 - mean) / std)[None].to(self.device)).cpu()


@torch.no_grad()
def write_masks(
    segmenter: Segmenter,
    inputs: Sequence[Input],
    outputs: Sequence[Output],
    skip_bad: bool,
    progress: ProgressCallback,
) -> Iterator[Prediction]:
    """Write the mask of each image as PNG, and yield its file, mask, overlay and the share of each class.

    Two classes are written as 0 and 255, more as their numbers, with colours. An image that cannot be used is
    an error, or is yielded with a 'problem' where it may be left out.

    Raises:
        BadImage, BadImages: all images that cannot be used, by name, before anything is written.
    """
    tally, names = Counter[str](), segmenter.data["class_names"]
    if not skip_bad:
        refuse_bad(inputs, partial(segmenter.read, tally=Counter()))
    images = read_each(inputs, partial(segmenter.read, tally=tally), skip_bad, progress)
    for (image, row), output in zip(images, outputs, strict=True):
        if image is None:
            yield row
            continue
        tally["used"] += 1
        with explain_out_of_memory(f"while the mask of {row['file']} was made", free_some(segmenter.device)):
            mask = segmenter.mask(image, tally)
        make_folder(output.mask.parent)
        write_bytes(output.mask, mask_png(mask, len(names)))
        row["mask"] = str(output.mask)
        if output.overlay:
            write_bytes(output.overlay, overlay_png(image, mask))
            row["overlay"] = str(output.overlay)
        counts = np.bincount(mask.ravel(), minlength=len(names)) / mask.size
        yield {**row, "shares": dict(zip(names, counts.tolist(), strict=True))}
    log_changes(tally, segmenter.size)


def resized_classes(logits: Tensor, height: int, width: int) -> Array:
    """Return the classes of logits [1, K, h, w] at another size, interpolated strip by strip."""
    mask = np.empty((height, width), np.uint8)
    x = (2 * torch.arange(width) + 1) / width - 1
    for top in range(0, height, STRIP):
        y = (2 * torch.arange(top, min(top + STRIP, height)) + 1) / height - 1
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
        strip = F.grid_sample(logits, grid, mode="bilinear", padding_mode="border", align_corners=False)
        mask[top : top + STRIP] = predicted_classes(strip)[0].numpy()
    return mask

"""Predict masks by a finished run: any image size, the same size out, in bounded memory.

A run whose data was resized sees each image at that size, and its logits are brought back. Any other run sees
images as they are, large ones in tiles that overlap; of the overlap each tile gives the half nearer to its middle.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from skiprun.data.folders.masks import starts
from skiprun.data.source import Array
from skiprun.experiment.inputs import Input, Prediction, read_each, refuse_bad
from skiprun.experiment.outputs import Output
from skiprun.experiment.seen import count_scaled, in_channels, log_changes, whole
from skiprun.registry import DATASETS
from skiprun.run import Run
from skiprun.system.files import make_folder, write_bytes
from skiprun.system.progress import ProgressCallback
from skiprun.tasks.segmentation import decide

TILE, OVERLAP = 512, 128
STRIP = 256


@torch.no_grad()
def write_masks(
    run: Run,
    model: nn.Module,
    inputs: Sequence[Input],
    outputs: Sequence[Output],
    skip_bad: bool,
    progress: ProgressCallback,
) -> Iterator[Prediction]:
    """Write the mask of each image as PNG, and yield its file, its mask, its overlay and the share of each class.

    Two classes are written as 0 and 255, more as their numbers, with colours. An image that cannot be used is an
    error, or is yielded with a 'problem' where it may be left out.

    Raises:
        BadImage, BadImages: all images that cannot be used, by name, before anything is written.
    """
    data, tally = run.summary()["data"], Counter[str]()
    names, read = data["class_names"], partial(whole, record=data, background=run.config.data.background)
    if not skip_bad:
        refuse_bad(inputs, partial(read, tally=Counter()))
    images = read_each(inputs, partial(read, tally=tally), skip_bad, progress)
    for (image, row), output in zip(images, outputs, strict=True):
        if image is None:
            yield row
            continue
        tally["used"] += 1
        mask = find_mask(run, model, image, tally)
        make_folder(output.mask.parent)
        write_bytes(output.mask, encoded(mask, len(names)))
        row["mask"] = str(output.mask)
        if output.overlay:
            write_bytes(output.overlay, laid_over(image, mask))
            row["overlay"] = str(output.overlay)
        counts = np.bincount(mask.ravel(), minlength=len(names)) / mask.size
        yield {**row, "shares": dict(zip(names, counts.tolist(), strict=True))}
    log_changes(tally, resized_to(run))


def resized_to(run: Run) -> tuple[int, int] | None:
    """Return the width and height to which a run's images were resized; None where they were seen as they are."""
    config = run.config.data
    resized = DATASETS[config.name].info.resizes and config.image_size and config.fit != "tile"
    return (config.image_size, config.image_size) if resized and config.image_size else None


def find_mask(run: Run, model: nn.Module, image: Array, tally: Counter[str]) -> Array:
    """Return the classes of an image uint8 [H, W, 3], uint8 [H, W]; see `skiprun.experiment.seen` for the tally."""
    data = run.summary()["data"]
    channels = data["image_shape"][0]
    seen = in_channels(image, channels, tally)
    mean, std = (torch.tensor(values).view(-1, 1, 1) for values in (data["mean"], data["std"]))

    def logits(pixels: Array) -> Tensor:
        tensor = torch.from_numpy(pixels.copy()).view(*pixels.shape[:2], channels).permute(2, 0, 1)
        device = next(model.parameters()).device
        return model(((tensor.float() / 255 - mean) / std)[None].to(device)).cpu()

    if size := resized_to(run):
        height, width = image.shape[:2]
        count_scaled((width, height), size, tally)
        small = Image.fromarray(seen[..., 0] if channels == 1 else seen).resize(size)
        return enlarged(logits(np.asarray(small)), height, width)
    return tiled(seen, logits)


def enlarged(logits: Tensor, height: int, width: int) -> Array:
    """Return the classes of logits [1, K, h, w] at another size, interpolated strip by strip."""
    mask = np.empty((height, width), np.uint8)
    x = (2 * torch.arange(width) + 1) / width - 1
    for top in range(0, height, STRIP):
        y = (2 * torch.arange(top, min(top + STRIP, height)) + 1) / height - 1
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)[None]
        strip = F.grid_sample(logits, grid, mode="bilinear", padding_mode="border", align_corners=False)
        mask[top : top + STRIP] = decide(strip)[0].numpy()
    return mask


def tiled(pixels: Array, logits: Callable[[Array], Tensor], tile: int = TILE, overlap: int = OVERLAP) -> Array:
    """Return the classes of an image [H, W] or [H, W, C], from tiles if it is larger than one."""
    mask = np.empty(pixels.shape[:2], np.uint8)
    for row, top, bottom in spans(pixels.shape[0], tile, overlap):
        for column, left, right in spans(pixels.shape[1], tile, overlap):
            found = decide(logits(pixels[row : row + tile, column : column + tile]))[0].numpy()
            mask[top:bottom, left:right] = found[top - row : bottom - row, left - column : right - column]
    return mask


def spans(length: int, tile: int, overlap: int) -> list[tuple[int, int, int]]:
    """Return for each tile along a side where it begins, and from where to where it counts."""
    begins = starts(length, tile, overlap)
    cuts = [0, *((left + tile + right) // 2 for left, right in pairwise(begins)), length]
    return [(begin, *span) for begin, span in zip(begins, pairwise(cuts), strict=True)]


def encoded(mask: Array, classes: int) -> bytes:
    """Return a mask as PNG: black and white for two classes, else numbers with the colours of Pascal VOC."""
    image = Image.fromarray(mask * 255 if classes == 2 else mask)
    if classes > 2:
        image.putpalette([channel for index in range(256) for channel in voc_colour(index)])
    return png(image)


def laid_over(image: Array, mask: Array) -> bytes:
    """Return an image uint8 [H, W, 3] as PNG, half of its colour given by the class of each pixel but the first."""
    colours = np.array([voc_colour(index) for index in range(256)], np.uint16)[mask]
    mixed = np.where(mask[..., None] > 0, (image + colours) // 2, image)
    return png(Image.fromarray(mixed.astype(np.uint8)))


def png(image: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, format="png")
    return buffer.getvalue()


def voc_colour(index: int) -> tuple[int, int, int]:
    """Return the colour of a class in the masks of Pascal VOC: its bits, dealt to red, green and blue in turn."""
    bits = [[index >> (3 * place + channel) & 1 for place in range(8)] for channel in range(3)]
    red, green, blue = (sum(bit << (7 - place) for place, bit in enumerate(each)) for each in bits)
    return red, green, blue

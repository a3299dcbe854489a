"""Cells under a microscope, drawn by the program: nothing to download, and every mask exact.

Cells of many sizes grow until they touch, are bent, textured, unevenly lit, blurred and covered with noise.
Where two
touch, only a thin dark wall parts them, which the mask counts as background: what a network must keep at full
resolution, and what it loses without its long skips. Each image is a function of (seed, split, number).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from skiprun.data.assemble import assemble
from skiprun.data.borders import with_borders
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import Array, RawDataset, RawSplit
from skiprun.errors import OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback

SIDE = 64
SIZES = {"train": 192, "val": 48, "test": 96}
TEST_SEED = 0
# Radii in pixels and cells on 64x64 pixels; larger images hold more cells of these sizes, not larger ones.
RADII = (3.5, 10.0)
CROWD = 22
BEND = 2.5
MARGIN = 4 * BEND


@DATASETS.register(
    "cells",
    task="segmentation",
    classes=2,
    shape="1x64x64",
    size="192 + 48 + 96",
    train=192,
    val=48,
    test=96,
    paper="drawn by the program",
)
def cells(config: DataRequest, device: torch.device, _progress: ProgressCallback) -> Loaders:
    """Touching, textured, noisy cells drawn by the program, with exact masks; `image_size` draws larger ones.

    The test split is the same in every experiment, whatever `seeds.split` says.
    """
    side = config.image_size or SIDE
    if not 32 <= side <= 512:
        raise OptionError("image_size", f"found {side}; cells are drawn on images of 32 to 512 pixels")
    seeds = {"train": config.split_seed, "val": config.split_seed, "test": TEST_SEED}
    drawn = {split: draw_split(split, seeds[split], side, config.border_weight > 0) for split in SIZES}
    source = RawDataset(drawn["train"], drawn["test"], ("background", "cell"), drawn["val"], "segmentation")
    return assemble(source, config, device)


@cache
def draw_split(split: str, seed: int, side: int, borders: bool) -> RawSplit:
    """Return a drawn split; it is kept, because a comparison asks for it again."""
    number = list(SIZES).index(split)
    drawn = [draw_image(np.random.default_rng([seed, number, each]), side) for each in range(SIZES[split])]
    images, labels = (np.stack(arrays) for arrays in zip(*drawn, strict=True))
    masks = (labels > 0).astype(np.uint8)
    return RawSplit(images[..., None], with_borders(masks, labels) if borders else masks)


def draw_image(random: np.random.Generator, side: int) -> tuple[Array, Array]:
    """Return an image, uint8 [side, side], and the number of the cell at each pixel, 0 for none."""
    labels = draw_cells(random, side)
    shades = np.concatenate([[0.0], random.uniform(0.3, 0.7, labels.max())])
    light = 0.25 + 0.12 * smooth(random, side, SIDE / 3)
    texture = 0.10 * smooth(random, side, 1.5) + 0.06 * smooth(random, side, 4.0)
    inside = labels > 0
    clean = light + np.where(inside, shades[labels] * (0.7 + texture), 0.5 * np.abs(texture))
    image = smoothed(clean, 0.6) + random.normal(0, 0.09, labels.shape)
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8), labels


def draw_cells(random: np.random.Generator, side: int) -> Array:
    """Return the number of the cell at each pixel, int32 [side, side], with background between two cells.

    A pixel belongs to the cell whose edge it is deepest within, measured in radii on a bent grid.
    """
    number = round(CROWD * (side / SIDE) ** 2 * random.uniform(0.7, 1.2))
    centres = random.uniform(0, side, (number, 2))
    radii = random.uniform(*RADII, number)
    rows, columns = np.mgrid[:side, :side] + BEND * np.stack([smooth(random, side, 5.0) for _ in range(2)])
    deepest, labels = np.ones((side, side)), np.zeros((side, side), np.int32)
    for label, ((row, column), radius) in enumerate(zip(centres, radii, strict=True), 1):
        reach = radius + MARGIN
        near = tuple(slice(max(0, int(at - reach)), int(at + reach) + 1) for at in (row, column))
        distance = np.hypot(rows[near] - row, columns[near] - column) / radius
        labels[near] = np.where(distance < deepest[near], label, labels[near])
        deepest[near] = np.minimum(deepest[near], distance)
    return np.where(beside_another(labels), 0, labels)


def beside_another(labels: Array) -> Array:
    """Say which pixels have another cell, one with a higher number, among their eight neighbours."""
    from scipy.ndimage import maximum_filter

    return (labels > 0) & (maximum_filter(labels, 3) > labels)


def smooth(random: np.random.Generator, side: int, sigma: float) -> Array:
    """Return noise [side, side] of mean 0 and deviation 1 that changes over `sigma` pixels."""
    noise = smoothed(random.normal(size=(side, side)), sigma)
    return (noise - noise.mean()) / noise.std()


def smoothed(values: Array, sigma: float) -> Array:
    """Return values smoothed by a Gaussian."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(values, sigma, mode="reflect")

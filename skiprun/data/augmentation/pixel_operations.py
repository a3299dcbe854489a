"""Operations of torchvision on the pixels of whole batches, each image with a strength of its own.

Pixels are float32 [B, C, H, W] with whole values from 0 to 255, of one or three channels. What torchvision
does to a uint8 image is done here to all images alike: strengths are tensors, and there are some that change
nothing. So nothing is read back from the device.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from skiprun.data.augmentation.jitter import LUMA

WHITE = 255
NOTHING, GREY, MEAN, BLURRED = range(4)  # what brightness, color, contrast and sharpness blend with


def affine(pixels: Tensor, matrices: Tensor, fill: Tensor) -> Tensor:
    """Take each pixel from the nearest one to where a matrix [B, 2, 3] leads; `fill` [C, 1, 1] is beyond.

    Places are in pixels from the middle of the image.
    """
    batch, _, height, width = pixels.shape
    rows, columns = (
        torch.linspace(0.5 - side / 2, side / 2 - 0.5, side, device=pixels.device) for side in (height, width)
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    places = torch.stack([x, y, torch.ones_like(x)], -1).view(1, -1, 3).expand(batch, -1, -1)
    halves = torch.stack([torch.full_like(x[0, 0], width / 2), torch.full_like(x[0, 0], height / 2)])
    grid = places.bmm(matrices.mT / halves).view(batch, height, width, 2)
    return F.grid_sample(pixels - fill, grid, mode="nearest", align_corners=False) + fill


def blend(pixels: Tensor, own: Tensor, other: Tensor, kind: Tensor) -> Tensor:
    """Return `own` times the pixels plus `other` times what `kind` says, [B, 1, 1, 1] each."""
    grey = to_grey(pixels)
    beside = torch.where(kind == GREY, grey, 0.0)
    beside = torch.where(kind == MEAN, grey.mean((1, 2, 3), keepdim=True), beside)
    beside = torch.where(kind == BLURRED, blurred(pixels), beside)
    return (own * pixels + other * beside).clamp(0, WHITE).floor()


def to_grey(pixels: Tensor) -> Tensor:
    """Return the brightness of each pixel, [B, 1, H, W]."""
    if pixels.shape[1] == 1:
        return pixels
    red, green, blue = pixels.split(1, dim=1)
    return (LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue).floor()


def blurred(pixels: Tensor) -> Tensor:
    """Return the mean of each pixel, counted five times, and its neighbours; those at the edge stay."""
    kernel = torch.ones(3, 3, device=pixels.device)
    kernel[1:2, 1:2].fill_(5.0)
    channels = pixels.shape[1]
    kernel = (kernel / 13).expand(channels, 1, 3, 3)
    inner = F.conv2d(pixels, kernel, groups=channels).round()
    result = pixels.clone()
    result[..., 1:-1, 1:-1] = inner
    return result


def posterize(pixels: Tensor, step: Tensor) -> Tensor:
    """Round down to multiples of a step."""
    return pixels - pixels.remainder(step)


def solarize(pixels: Tensor, threshold: Tensor) -> Tensor:
    """Invert what is as bright as a threshold, or brighter."""
    return torch.where(pixels >= threshold, WHITE - pixels, pixels)


def auto_contrast(pixels: Tensor, chosen: Tensor) -> Tensor:
    """Stretch each channel of the chosen images from black to white."""
    least, most = pixels.amin((2, 3), keepdim=True), pixels.amax((2, 3), keepdim=True)
    stretched = ((pixels - least) * (WHITE / (most - least))).clamp(0, WHITE).floor()
    return torch.where((chosen > 0) & (most > least), stretched, pixels)


def equalize(pixels: Tensor, chosen: Tensor) -> Tensor:
    """Flatten the histogram of each channel of the chosen images."""
    values = pixels.flatten(2).flatten(0, 1).long()  # [B * C, H * W]
    channels = torch.arange(len(values), device=pixels.device)[:, None] * (WHITE + 1)
    histogram = torch.zeros(len(values) * (WHITE + 1), dtype=torch.int64, device=pixels.device)
    ones = torch.ones_like(values).flatten()
    histogram = histogram.scatter_add_(0, (values + channels).flatten(), ones).view(len(values), -1)
    brightest = histogram.gather(1, values.amax(1, keepdim=True))
    step = (values.shape[1] - brightest) // WHITE
    table = (histogram.cumsum(1) + step // 2) // step.clamp(min=1)
    table = F.pad(table, (1, -1)).clamp(0, WHITE)
    flat = torch.where(step > 0, table.gather(1, values), values).view(pixels.shape).to(pixels.dtype)
    return torch.where(chosen > 0, flat, pixels)

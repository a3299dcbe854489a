"""Border weights of U-Net: pixels between two close objects weigh more (Ronneberger et al. 2015, equation 2).

w(x) = 1 + w0 exp(-(d1(x) + d2(x))^2 / (2 sigma^2)), with d1 and d2 the distances to the nearest and the
second nearest object, and sigma 5 pixels. A mask carries the exponential, in 255 steps, as a second plane;
the loss knows w0.
"""

from __future__ import annotations

import numpy as np

from skiprun.data.source import Array

# What a mask says of a pixel that neither teaches nor counts (the void label of Pascal VOC).
VOID = 255
SIGMA = 5.0
# Farther than this from a second object the weight is less than a step of 1/255.
REACH = 17


def with_borders(masks: Array, labels: Array | None = None) -> Array:
    """Return masks [N, H, W] with their border planes, uint8 [N, 2, H, W].

    Args:
        masks: classes, uint8.
        labels: the number of the object at each pixel; None: connected parts of what is neither 0 nor void.
    """
    parts = [connected(mask) for mask in masks] if labels is None else labels
    return np.stack([masks, np.stack([closeness(each) for each in parts])], axis=1)


def connected(mask: Array) -> Array:
    """Return the number of the connected part at each pixel, 0 outside."""
    from scipy.ndimage import label

    found, _ = label((mask > 0) & (mask < VOID))
    return found


def closeness(labels: Array) -> Array:
    """Return exp(-(d1 + d2)^2 / (2 sigma^2)) of each pixel outside of all objects, 0 to 255."""
    from scipy.ndimage import distance_transform_edt, find_objects

    height, width = labels.shape
    nearest = np.full((2, height, width), np.inf)
    for number, place in enumerate(find_objects(labels), 1):
        if place is None:
            continue
        # Only pixels within reach of the object can be near to it, so its own surroundings are enough.
        around = tuple(slice(max(0, each.start - REACH), each.stop + REACH) for each in place)
        distance = distance_transform_edt(labels[around] != number)
        first, second = nearest[0][around], nearest[1][around]
        nearest[1][around] = np.minimum(second, np.maximum(first, distance))
        nearest[0][around] = np.minimum(first, distance)
    weight = np.exp(-(nearest.sum(0) ** 2) / (2 * SIGMA**2))
    return np.rint(255 * np.where(labels > 0, 0, weight)).astype(np.uint8)

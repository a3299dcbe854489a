"""Numbers of a run's summary: keys that several readers use, and the range in which each number lies."""

from __future__ import annotations

import math
import re

LOSS = "final.train.loss"
RATIO = "gradient.first_over_last.median"
SPEED = "time.images_per_s"
PERCENT, SHARE, POSITIVE, ANY = (0.0, 100.0), (0.0, 1.0), (0.0, math.inf), (-math.inf, math.inf)
RANGES = {
    "error": PERCENT,
    "iou": SHARE,
    "dice": SHARE,
    "boundary": SHARE,
    "pixel_error": SHARE,
    "loss": POSITIVE,
}


def value_range(key: str) -> tuple[float, float]:
    """Return the lowest and the highest value that a number of the summaries can have."""
    if key in (RATIO, SPEED):
        return POSITIVE
    return RANGES.get(re.sub(r"_class_\d+$", "", key.rpartition(".")[2]), ANY)

"""The weights of classes in the training loss, as a config asks for them: given, or inverse to frequency."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from skiprun.config import OptimConfig
from skiprun.data import Loaders
from skiprun.errors import OptionError, some

SHOWN = 10  # weights that are said; of more, the range


def class_weights(config: OptimConfig, loaders: Loaders) -> Tensor | None:
    """Return the weight of each class, float32 [K] on the device; None where the config asks for none.

    `balanced` is scikit-learn's: images (or labelled pixels) over classes times those of a class.

    Raises:
        OptionError: another number of weights than of classes, or a class that nothing shows.
    """
    asked, names = config.class_weights, loaders.class_names
    if asked is None:
        return None
    if asked == "balanced":
        counts = counts_by_class(loaders)
        if absent := [name for name, count in zip(names, counts, strict=True) if not count]:
            problem = f"found balanced, and nothing to train on shows {some(absent)}; give a list of weights"
            raise OptionError("class_weights", problem)
        asked = (counts.sum() / (len(names) * counts)).tolist()
    if len(asked) != len(names):
        raise OptionError("class_weights", f"found {len(asked)} weights, and there are {len(names)} classes")
    return torch.tensor(asked, device=loaders.device)


def counts_by_class(loaders: Loaders) -> np.ndarray:
    """Return how many images, or pixels of masks, each class has in the training split, [K]."""
    if loaders.pixels:
        return np.array(loaders.pixels["train"][:-1])
    return np.bincount(loaders.train.labels(), minlength=loaders.num_classes)


def weights_note(weights: Tensor, names: tuple[str, ...]) -> str:
    """Say the weights of classes for people, of many the least and the largest."""
    said = sorted(zip(weights.tolist(), names, strict=True))
    if len(said) > SHOWN:
        (least, rarely), (largest, often) = said[0], said[-1]
        return f"Class weights of the training loss: from {least:.3g} ({rarely}) to {largest:.3g} ({often})."
    return (
        f"Class weights of the training loss: {', '.join(f'{name} {weight:.3g}' for weight, name in said)}."
    )

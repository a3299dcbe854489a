"""Lesson 3: the gradient on its way through 50 layers, with skip connections and without."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from skiprun.claims.quantity import Quantity, below, near
from skiprun.lessons.exercises import exact, exactly, exercise
from skiprun.models import build_model
from skiprun.results.study_documents import Document
from skiprun.studies.base import isolated_copy
from skiprun.studies.layer_recorder import LayerRecorder

BATCH_NORM = math.sqrt(math.pi / (math.pi - 1))
STEPS = 48  # from the first to the last convolution of 49


@exercise("3.1")
def vanishing(answer: float) -> list[Quantity]:
    """Multiply 50 factors of 0.8.

    The chain rule multiplies: 0.8 to the power of 50. A product of many factors below 1 vanishes, one of
    many above 1 explodes (Glorot and Bengio 2010, section 4).
    """
    truth = 0.8**50
    return [exact("gradient at the first of 50 layers", answer, near(truth, 0.01 * truth))]


@exercise("3.2")
def paths_by_length(answer: Callable[[int], Sequence[int]]) -> list[Quantity]:
    """Count the paths through n residual blocks by their length.

    Each block is passed by its shortcut or through its branch, so n blocks have 2^n paths, of which (n
    over k) pass k branches; most are about half as long as the network (Veit et al. 2016, sections 3 and 5).
    """
    counts = [*answer(24)]
    total = sum(counts)
    wrong = sum(found != math.comb(24, k) for k, found in enumerate(counts)) + abs(25 - len(counts))
    return [
        exactly("paths through 24 blocks", total, 2**24),
        exact("mean length", sum(k * found for k, found in enumerate(counts)) / total, near(12, 1e-6)),
        exactly("lengths whose count is wrong", wrong, 0),
    ]


@exercise("3.3")
def convolution_norms(answer: Callable[[nn.Module, Tensor, Tensor], Sequence[float]]) -> list[Quantity]:
    """Measure the norm of the gradient at each convolution.

    The norm of dL/dW is that of all entries of `weight.grad` together, after one backward pass of the
    loss; it is what `skiprun gradflow` measures.
    """
    model, images, labels = (
        build_model("plain20", in_channels=1),
        torch.rand(32, 1, 8, 8),
        torch.arange(32) % 10,
    )
    with isolated_copy(model) as copy:
        measured, _, _ = LayerRecorder(copy).measure(nn.functional.cross_entropy, images, labels)
    truth = measured[0, :-1]  # of the convolutions
    found = torch.tensor([float(each) for each in answer(model, images, labels)])
    if len(found) != len(truth):
        raise ValueError(f"{len(found)} norms, and the network has {len(truth)} convolutions")
    error = ((found - truth).abs() / truth).max().item()
    return [exact("largest relative difference from skiprun's own", error, below(1e-3))]


@exercise("3.4")
def batch_norm_growth(answer: float) -> list[Quantity]:
    """Say by what the gradient of a plain network with batch norm grows over 48 layers.

    Without skips, batch norm makes the gradient sqrt(pi / (pi - 1)) = 1.21 times larger at each layer
    toward the input (Yang et al. 2019); 48 layers multiply it by ten thousand.
    """
    truth = BATCH_NORM**STEPS
    return [exact("growth over 48 layers", answer, near(truth, 0.05 * truth))]


@exercise("3.5")
def measured_growth(answer: float, document: Document) -> list[Quantity]:
    """Say by what it grew at each layer of the network that was measured.

    The growth a layer is the 48th root of the gradient at the first layer over that at the last. Narrow
    networks on small images stay somewhat below the theory, which is of wide ones.
    """
    truth = float(document["facts"]["growth_per_layer"])
    return [exact("growth a layer", answer, near(truth, 0.01))]

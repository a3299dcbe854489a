"""Similarity of two networks, block by block: centered kernel alignment (CKA) of features on the same images.

CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) for the linear kernels K = X X', L = Y Y' of two layers
(Kornblith et al. 2019). HSIC is the unbiased estimate of Song et al. 2012, equation 5, in the mean over
batches, so that CKA does not depend on the size of the batches (Nguyen et al. 2021, equation 3).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from skiprun.errors import InputError
from skiprun.registry import STUDIES
from skiprun.studies.base import Batches, Figure, Row, StudyResult, isolated_copy
from skiprun.studies.features import FeatureExtractor

FIGURES = (
    Figure(
        "Similarity (CKA)",
        "matrix",
        "b",
        "a",
        "block of the second",
        "block of the first",
        "cka",
        "linear CKA",
    ),
)


@STUDIES.register(
    "similarity",
    paper="Kornblith et al. 2019; Nguyen et al. 2021",
    figures=FIGURES,
    example="digits-plain56 digits-resnet56",
)
def similarity(model: nn.Module, other: nn.Module, batches: Batches) -> StudyResult:
    """Compare blocks of two networks on the same images (CKA).

    Args:
        model: a network.
        other: the one to compare it with; it may have another depth and width.
        batches: images that both see, four a batch or more.
    """
    if min(len(images) for images, _ in batches) < 4:
        raise InputError(
            "Similarity needs batches of four images or more: the unbiased estimate divides by n - 3."
        )
    with isolated_copy(model) as one, isolated_copy(other) as two:
        readers = FeatureExtractor(one, kernel), FeatureExtractor(two, kernel)
        both = zip(*(reader.read(batches) for reader in readers), strict=True)
        cka = alignment((torch.stack(first), torch.stack(second)) for first, second in both).cpu()
    rows: list[Row] = [
        {"a": a + 1, "b": b + 1, "site_a": path, "site_b": other_path, "cka": cka[a, b].item()}
        for a, path in enumerate(readers[0].paths)
        for b, other_path in enumerate(readers[1].paths)
    ]
    facts = summarize(cka)
    return StudyResult(rows, verdict(facts), facts)


def kernel(output: Tensor) -> Tensor:
    """Return the linear kernel X X' of a layer's output, without its diagonal: [images, images]."""
    features = output.flatten(1).double()
    return (features @ features.T).fill_diagonal_(0)


def alignment(batches: Iterable[tuple[Tensor, Tensor]]) -> Tensor:
    """Return CKA [layers a, layers b] from kernels of both networks, batch by batch."""
    parts = [(hsic(one, two), hsic(one, one).diagonal(), hsic(two, two).diagonal()) for one, two in batches]
    mixed, first, second = (torch.stack(each).mean(dim=0) for each in zip(*parts, strict=True))
    # The unbiased estimate of a layer that gives nothing may be a hair below zero.
    return mixed / (first.clamp(min=1e-150)[:, None] * second.clamp(min=1e-150)).sqrt()


def hsic(k: Tensor, m: Tensor) -> Tensor:
    """Return the unbiased HSIC [a, b] of all pairs of kernels [a, n, n], [b, n, n] with empty diagonals."""
    n = k.shape[-1]
    trace = torch.einsum("aij,bij->ab", k, m)
    rows_k, rows_m = k.sum(dim=2), m.sum(dim=2)
    sums_product = rows_k.sum(dim=1)[:, None] * rows_m.sum(dim=1) / ((n - 1) * (n - 2))
    return (trace + sums_product - 2 / (n - 2) * rows_k @ rows_m.T) / (n * (n - 3))


def summarize(cka: Tensor) -> dict[str, float]:
    """Return how alike layers of the same relative depth are, and how alike the best matches."""
    a, b = cka.shape
    depths = torch.linspace(0, b - 1, a).round().long()
    return {
        "same_depth": cka[torch.arange(a), depths].mean().item(),
        "best_match": cka.max(dim=1).values.mean().item(),
        "all_pairs": cka.mean().item(),
        "first": cka[0, 0].item(),
        "last": cka[-1, -1].item(),
    }


def verdict(facts: dict[str, float]) -> str:
    """Say how alike the networks are."""
    word = (
        "Alike" if facts["same_depth"] > 0.8 else "Different" if facts["same_depth"] < 0.4 else "Partly alike"
    )
    return (
        f"{word}: CKA {facts['same_depth']:.2f} between blocks of the same relative depth, "
        f"{facts['best_match']:.2f} with each block's best match, {facts['all_pairs']:.2f} over all pairs; "
        f"first blocks {facts['first']:.2f}, last {facts['last']:.2f}."
    )

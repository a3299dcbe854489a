"""Refinement: does each branch move the features along the negative gradient of the loss?

A residual block y = x + f(x) changes the loss by f(x) dL/dy to first order, so that a branch that points
against the gradient refines what the network believes already (Jastrzebski et al. 2018, section 3.2):

    cosine    cos(f(x), -dL/df(x)) at each connection site, in the mean over images

For `add` the gradient of f(x) is that of y. The paper finds early blocks to learn representations, and late
ones to refine them. In a plain network f(x) is the whole signal, which lowers the loss of a right answer by
its size alone: its cosine is large at the end, and says nothing of refinement.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.registry import STUDIES
from skiprun.studies.base import (
    Batches,
    Facts,
    Figure,
    Loss,
    Report,
    Row,
    StudyResult,
    ignore,
    isolated_copy,
    sites_of,
)

ALONG = "cosine of branch and negative gradient"
FIGURES = (
    Figure(
        "Branches along the negative gradient",
        "lines",
        "number",
        "cosine",
        "number of the block from the input",
        ALONG,
        band=("cosine_low", "cosine_high"),
    ),
)


@STUDIES.register(
    "refinement", paper="Jastrzebski et al. 2018, section 4.1", figures=FIGURES, example="digits-resnet56"
)
def refinement(model: nn.Module, batches: Batches, loss: Loss, *, report: Report = ignore) -> StudyResult:
    """Measure how far branches follow the negative gradient.

    Args:
        model: a trained network with connection sites, looked at in evaluation mode.
        batches: images to look at, each of which has a cosine of its own.
        loss: what is differentiated.
        report: told of each row.
    """
    with isolated_copy(model) as copy:
        recorder = BranchRecorder(copy.eval())
        cosines = torch.cat([recorder.cosines(loss, *batch) for batch in batches], dim=1)
    rows: list[Row] = []
    for index, (site, values) in enumerate(zip(recorder.sites, cosines, strict=True)):
        low, high = values.quantile(values.new_tensor([0.1, 0.9])).tolist()
        row: Row = {"number": index + 1, "site": site, "cosine": values.mean().item()}
        rows.append(row | {"cosine_low": low, "cosine_high": high})
        report(rows[-1], len(recorder.sites))
    facts = summarize(rows)
    return StudyResult(rows, verdict(facts), facts)


class BranchRecorder:
    """Reads what the branches of an isolated copy give; its hooks stay in the network."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self.sites = model, sites_of(model)
        self.branches: dict[nn.Module, Tensor] = {}
        for site in self.sites.values():
            site.register_forward_pre_hook(self.record)

    def record(self, site: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        """Keep f(x) of a site."""
        self.branches[site] = inputs[1]

    def cosines(self, loss: Loss, images: Tensor, targets: Tensor) -> Tensor:
        """Return cos(f(x), -dL/df(x)) by site and image, [sites, N] on the CPU; that of no branch is 0."""
        # Frozen weights leave the branches without a gradient, unless the images have one.
        value = loss(self.model(images.clone().requires_grad_()), targets)
        branches = [self.branches[site] for site in self.sites.values()]
        gradients = torch.autograd.grad(value, branches)
        return torch.stack([cosine(*pair) for pair in zip(branches, gradients, strict=True)])


def cosine(branch: Tensor, gradient: Tensor) -> Tensor:
    """Return the cosine of a branch [N, ...] and the negative gradient, by image, in double precision."""
    one, other = (each.detach().flatten(1).double().cpu() for each in (branch, -gradient))
    # An image that is classified for certain has a gradient near the end of float32.
    return F.cosine_similarity(one, other, eps=1e-60)


def summarize(rows: list[Row]) -> Facts:
    """Return the mean cosine over the first and the last third of the sites."""
    third = max(1, len(rows) // 3)
    early, late = (sum(row["cosine"] for row in part) / third for part in (rows[:third], rows[-third:]))
    return {"early": early, "late": late, "last": rows[-1]["cosine"], "sites": len(rows)}


def verdict(facts: Facts) -> str:
    """Say which way the early and the late branches point."""
    late = facts["late"]
    way = "along" if late > 0 else "against"
    return (
        f"The last third of {facts['sites']} branches points {way} the negative gradient of the loss by a "
        f"cosine of {late:.3f} in the mean, the first third by {facts['early']:.3f}."
    )

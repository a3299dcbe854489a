"""Gradient flow by depth: the norm of the gradient that reaches each layer, and of the signal.

For layer l, |dL/dW_l|_F and the norm of dL/d(output of l), in median and spread over networks and batches.
First is the layer behind the stem, in a residual network the first convolution of the first block; last is
the one in front of the classifier, the last convolution of the last block. Projections of shortcuts do not
count. Between first and last, the ratio for weights depends on how smooth the images are, that for outputs
much less.

A growth of 1.21 a layer toward the input, sqrt(pi / (pi - 1)), is what batch norm causes in plain networks
(Yang et al. 2019, "A mean field theory of batch normalization"); without it the signal of a residual network
doubles its variance at every block (De and Smith 2020), and He's initialization keeps that of a plain one (He
et al. 2015b).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from skiprun.registry import STUDIES
from skiprun.studies.base import Batches, Figure, Loss, StudyResult, isolated_copy
from skiprun.studies.layer_recorder import LayerRecorder
from skiprun.studies.rows_by_depth import layer_rows, site_rows
from skiprun.studies.signal_theory import Theory, theory

TWO_ORDERS = 100.0


def depth_figure(title: str, y: str, ylabel: str, at: str = "layer", **more: Any) -> Figure:
    """Return a figure of one measure over depth."""
    xlabel = "relative depth (0 input, 1 output)"
    return Figure(title, "lines", "depth", y, xlabel, ylabel, where={"at": at}, log=True, **more)


FIGURES = (
    depth_figure(
        "Gradient norm by depth", "grad_norm", "norm of dL/dW", band=("grad_norm_low", "grad_norm_high")
    ),
    depth_figure(
        "Gradient of the signal by depth",
        "actgrad",
        "norm of dL/d(layer output)",
        band=("actgrad_low", "actgrad_high"),
        guides=("actgrad_theory",),
    ),
    depth_figure(
        "Signal by depth", "variance", "variance behind each block", "site", guides=("variance_theory",)
    ),
)


@STUDIES.register(
    "gradflow",
    paper="Glorot and Bengio 2010; Yang et al. 2019; De and Smith 2020",
    figures=FIGURES,
    example="plain50 resnet50",
    look={"split": "train"},
)
def gradflow(
    models: Iterable[nn.Module], batches: Batches, loss: Loss, *, inference: bool = False
) -> StudyResult:
    """Measure gradient and signal by depth. Of networks with initial weights, or of runs.

    Nothing is trained. Digits are looked at; by networks for large images, and with --input, random ones.

    Args:
        models: networks of one architecture, one a seed; or the one of a run.
        batches: batches to look at, each with every network.
        loss: what is differentiated.
        inference: use batch norm's running statistics, not those of the batch as while a network trains.
    """
    measured = []
    for model in models:
        with isolated_copy(model) as copy:
            recorder, expected = LayerRecorder(copy.train(not inference)), theory(copy)
            paths, places = list(recorder.layers), list(recorder.sites)
            measured += [recorder.measure(loss, *batch) for batch in batches]
    layers, variances, losses = (torch.stack(each).double().cpu() for each in zip(*measured, strict=True))
    body = slice(1, -1) if len(paths) > 2 else slice(None)
    facts = summarize(layers[..., body], variances, expected)
    facts["loss"] = losses.median().item()
    rows = layer_rows(paths, layers, expected) + site_rows(places, variances, expected)
    return StudyResult(rows, verdict(facts), facts)


def summarize(body: Tensor, variances: Tensor, expected: Theory) -> dict[str, float | None]:
    """Return the ratios over the layers between stem and classifier, as geometric means over the runs."""
    steps, blocks = max(1, body.shape[-1] - 1), max(1, variances.shape[1] - 1)
    weights, signals = (body[:, :2, 0] / body[:, :2, -1]).log().mean(dim=0).exp()
    growth = (variances[:, -1] / variances[:, 0]).log().mean().exp()
    grads = body[:, 0].median(dim=0).values
    grads = grads[~grads.isnan()]  # of what learns
    return {
        "first_over_last": number(weights),
        "actgrad_first_over_last": number(signals),
        "growth_per_layer": number(signals ** (1 / steps)),
        "growth_theory": expected.growth,
        "max_over_min": number(grads.max() / grads.min()) if len(grads) else None,
        "variance_growth": number(growth),
        "variance_per_block": number(growth ** (1 / blocks)),
        "variance_theory": expected.doubling,
    }


def number(value: Tensor) -> float | None:
    """Return a number, or None where there is none, as at frozen layers and those no gradient reaches."""
    return value.item() if value.isfinite() else None


def verdict(facts: dict[str, float | None]) -> str:
    """Say whether the gradient vanishes, explodes or stays within two orders of magnitude."""
    ratios = {"weights": facts["first_over_last"], "signal": facts["actgrad_first_over_last"]}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    if not known:
        return (
            "No gradient that is finite and not zero is in both the first layer behind the stem and the last "
            "before the classifier: one of them is frozen, or nothing arrives there."
        )
    # The weights' ratio hides an explosion where the signal shrinks by as much as its gradient grows.
    ratio = max(known.values(), key=lambda each: abs(math.log(each)) if each > 0 else math.inf)
    if ratio > TWO_ORDERS:
        word = "Exploding: the gradient grows toward the input"
    elif ratio < 1 / TWO_ORDERS:
        word = "Vanishing: the gradient shrinks toward the input"
    else:
        word = "Within two orders of magnitude"
    text = f"{word}. First over last layer: " + ", ".join(
        f"{each:.3g} ({name})" for name, each in known.items()
    )
    if facts["growth_per_layer"] is not None:
        text += f"; factor {facts['growth_per_layer']:.3g} a layer"
    text += f", theory {facts['growth_theory']:.3g}." if facts["growth_theory"] else "."
    if (facts["variance_growth"] or 0.0) > TWO_ORDERS**2:
        text += (
            f" The signal itself explodes: its variance grows {facts['variance_per_block']:.3g}-fold a block."
        )
    return text

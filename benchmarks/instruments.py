"""What the instruments measure beside the values of an independent implementation and of papers.

The reference saw 128 photographs, the ratios here are of 128 smooth random images. That matters little to
gradients
of outputs, and more to those of weights: first over last layer of resnet20 is 2.3 with white noise, 1.4 with
these, 1.1 with smoother ones, 0.8 with photographs.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.material import CLASSES
from benchmarks.measure import Setting
from skiprun.config.templates import DIGITS
from skiprun.experiment.named import config_for
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study
from skiprun.experiment.study_runner.study_targets import find_trained
from skiprun.experiment.train import train
from skiprun.models import build_model
from skiprun.studies.gradflow import gradflow
from skiprun.studies.theory.shatter_depth import shatter_depth
from skiprun.studies.theory.shatter_theorem import shatter_theorem

Row = dict[str, Any]
# First over last layer of norms of dL/dW and dL/d(output), its factor a layer; drawn, on 128 CIFAR-10 images.
RATIOS = {
    ("plain", "batch"): {20: (3.2, 23, 1.20), 56: (603, 8.4e3, 1.186), 110: (1.2e6, 1.3e7, 1.166)},
    ("resnet", "batch"): {20: (0.79, 6.4, 1.115), 56: (3.4, 26, 1.064), 110: (2.4, 42, 1.036)},
    ("preact", "batch"): {20: (1.05, 7.2, 1.123), 56: (6.0, 46, 1.075), 110: (12, 108, 1.045)},
    ("plain", "none"): {20: (0.51, 0.51, 0.96), 56: (0.78, 0.32, 0.979), 110: (1.5, 0.15, 0.983)},
    ("resnet", "none"): {20: (0.18, 8.7, 1.136), 56: (0.25, 8.1e3, 1.185), 110: (0.58, 6.8e8, 1.209)},
    ("preact", "none"): {20: (0.26, 7.5, 1.126), 56: (0.37, 3.7e3, 1.168), 110: (0.88, 4.7e7, 1.180)},
}
FACTS = {
    "gradient of weights, first/last": "first_over_last",
    "gradient of outputs, first/last": "actgrad_first_over_last",
    "factor a layer": "growth_per_layer",
}
# Autocorrelation of df/dx at these lags, by depth.
LAGS = (1, 2, 5, 10)
NOISE = {
    "none, no norm": {
        1: (0.98, 0.96, 0.90, 0.81),
        10: (0.94, 0.89, 0.75, 0.59),
        24: (0.89, 0.80, 0.60, 0.41),
        50: (0.76, 0.60, 0.37, 0.23),
    },
    "none, batch norm": {2: (0.91, 0.83, 0.60, 0.33), 10: (0.16, -0.04, -0.05, -0.01), 24: (0, 0, 0, 0)},
}
# Correlation of the gradients of two inputs at these depths.
DEPTHS = (1, 2, 3, 4, 6, 8, 16, 24)
THEOREM = {
    "none, batch norm": (0.494, 0.245, 0.119, 0.059, 0.0149, 0.002, 0, 0),
    "none, no norm": (0.500, 0.302, 0.202, 0.142, 0.086, 0.060, 0.019, 0.014),
    "add, no norm": (0.749, 0.582, 0.462, 0.379, 0.265, 0.197, 0.086, 0.059),
    "add, batch norm": (0.743, 0.599, 0.507, 0.445, 0.356, 0.300, 0.194, 0.146),
}
# Of 27 blocks, on published weights for CIFAR-10; here on a network trained on digits.
TRAINED = {
    "paths that carry 90 % of the gradient: shortest": ("paths", "effective_from", 5),
    "paths that carry 90 % of the gradient: longest": ("paths", "effective_to", 11),
    "blocks on a path, mean of all paths": ("paths", "mean_length", 13.5),
    "points of error by one deleted block, median": ("lesion", "median_damage", 1.75),
}


def run(setting: Setting) -> list[Row]:
    """Return each value beside the reference; a ratio at initialization differs by a factor between seeds."""
    torch.set_num_threads(setting.threads)
    parts = (
        (ratios((20,), 1), noise(4))
        if setting.quick
        else (ratios((20, 56, 110), 3), noise(30), theorem(), trained())
    )
    return list(itertools.chain.from_iterable(parts))


def beside(what: str, network: str, measured: float, reference: float) -> Row:
    """Return one row of the table."""
    return {"measured": what, "network": network, "skiprun": measured, "reference": float(reference)}


def ratios(depths: Iterable[int], seeds: int) -> Iterator[Row]:
    """Yield the growth of the gradient by depth, on random images that are smooth as photographs are."""
    batch = smooth_images(128)
    for ((family, norm), known), depth in itertools.product(RATIOS.items(), depths):
        facts = gradflow(networks(f"{family}{depth}", norm, seeds), [batch], F.cross_entropy).facts
        for (what, key), reference in zip(FACTS.items(), known[depth], strict=True):
            yield beside(what, f"{family}{depth}{', no norm' * (norm == 'none')}", facts[key], reference)


def networks(name: str, norm: str, seeds: int) -> Iterator[nn.Module]:
    """Yield networks as they are drawn."""
    for seed in range(seeds):
        torch.manual_seed(seed)
        yield build_model(name, CLASSES, norm=norm)


def smooth_images(count: int) -> tuple[Tensor, Tensor]:
    """Return random images that are mostly grey and smooth, normalised, with random labels."""
    generator = torch.Generator().manual_seed(0)
    images = torch.zeros(count, 3, 32, 32)
    for size in (1, 2, 4, 8, 16):
        grey, colour = (torch.randn(count, channels, size, size, generator=generator) for channels in (1, 3))
        images += F.interpolate(0.8 * grey + 0.2 * colour, size=32, mode="bilinear")
    return images / images.std(), torch.randint(CLASSES, (count,), generator=generator)


def noise(draws: int) -> Iterator[Row]:
    """Yield the autocorrelation of df/dx by depth and lag."""
    rows = shatter_depth(depths=(1, 2, 10, 24, 50), draws=draws).rows
    found = {(row["kind"], row["depth"], row["lag"]): row["autocorrelation"] for row in rows}
    for kind, depths in NOISE.items():
        for depth, known in depths.items():
            for lag, reference in zip(LAGS, known, strict=True):
                value = found[kind, depth, lag]
                yield beside(
                    f"autocorrelation of df/dx, lag {lag}", f"{kind}, {depth} layers", value, reference
                )


def theorem() -> Iterator[Row]:
    """Yield the correlation of the gradients of two inputs by depth."""
    for row in shatter_theorem(depths=DEPTHS).rows:
        kind, depth = row["network"], row["depth"]
        reference = THEOREM[kind][DEPTHS.index(depth)]
        yield beside(
            "correlation of the gradients of two inputs",
            f"{kind}, {depth} layers",
            row["correlation"],
            reference,
        )


def trained() -> Iterator[Row]:
    """Yield what paths and lesions find in a resnet56 that was trained on digits."""
    with tempfile.TemporaryDirectory() as folder:
        run = train(config_for("resnet56", DIGITS, []), runs=Path(folder))
        subjects = find_trained([str(run.path)], Path(folder))
        looks = {
            "paths": SampleSelection("train", batches=4, batch_size=32),
            "lesion": SampleSelection("test"),
        }
        facts = {
            name: run_study(StudyRequest(name, subjects, look))[0]["facts"] for name, look in looks.items()
        }
    for what, (name, key, reference) in TRAINED.items():
        yield beside(what, "resnet56 on digits; reference: CIFAR-10", facts[name][key], reference)

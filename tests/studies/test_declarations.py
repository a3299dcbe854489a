"""What studies declare beside their rows: the scale of figures, how much is looked at, and their options."""

from __future__ import annotations

from typing import Any

import pytest

from skiprun.registry import STUDIES
from skiprun.studies.signature import options

# What layers, branches or steps multiply; it is above 0. An error, a share or a correlation may be 0.
GROWING_BY_FACTORS = {
    "grad_norm",
    "actgrad",
    "variance",
    "gradient",
    "loss",
    "first_over_last",
    "gain",
    "change",
    "steps",
    "residual",
}
# Results that runs keep are found again by what was looked at and by the options: with another number all is
# measured anew, and the cards no longer say what a command finds.
LOOKS: dict[str, dict[str, Any]] = {
    "gradflow": {"split": "train"},
    "landscape": {"split": "train", "images": 256},
    "paths": {"split": "train", "batches": 4, "batch_size": 32},
    "residual_stream": {"split": "train", "batches": 1},
    "shatter": {"split": "train", "batches": 1},
    "shortcuts": {"split": "train", "batches": 4, "batch_size": 32},
    "trajectory": {"split": "train", "images": 256},
    "truncate": {"images": 2000, "batches": 0},
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "attention_rank": {"layers": 6, "tokens": 32, "width": 32, "draws": 8, "seed": 0},
    "batch_norm_explosion": {"depths": (10, 20, 40, 80), "width": 256, "seed": 0},
    "curvature": {"tolerance": 0.01, "seed": 0},
    "deep_linear": {"depths": (2, 4, 6, 8, 10), "draws": 400, "most": 20_000, "seed": 0},
    "depth_scaling": {
        "exponents": (0.25, 0.5, 1.0),
        "depths": (10, 30, 100, 300, 1000),
        "width": 32,
        "draws": 4,
        "seed": 0,
    },
    "expected_depth": {"network": "resnet110", "survival": 0.5, "draws": 100, "seed": 0},
    "gradflow": {"inference": False},
    "landscape": {"dims": 2, "steps": 15, "span": 1.0, "seed": 0, "workers": 1},
    "lesion": {"side": "branch", "draws": 3, "seed": 0},
    "looks_linear": {"depths": (1, 2, 4, 8, 16, 32), "width": 64, "draws": 10, "seed": 0},
    "norm_placement": {
        "depths": (4, 8, 16, 32, 64, 128),
        "width": 64,
        "draws": 10,
        "connection": "add",
        "seed": 0,
    },
    "one_neuron": {"depths": (1, 2, 4, 6, 8), "width": 2, "draws": 8, "steps": 200, "seed": 0},
    "parameters": {"networks": ("resnet56", "resnet110", "densenet40_12", "densenet_bc_100_12")},
    "path_lengths": {"blocks": 54, "connection": "add"},
    "paths": {"draws": 12, "seed": 0},
    "pre_norm_growth": {"blocks": 64, "width": 256, "seed": 0},
    "residual_mixing": {
        "sites": 60,
        "streams": 4,
        "noise": 0.15,
        "iterations": 20,
        "draws": 20,
        "seed": 0,
    },
    "separable_convolutions": {"network": "mobilenet_v1"},
    "residual_stream": {"inference": False},
    "shatter": {"points": 128, "lines": 3, "inference": False},
    "shatter_theorem": {"depths": (1, 2, 3, 4, 6, 8, 16, 24), "width": 256, "draws": 60, "seed": 0},
    "shatter_depth": {"depths": (2, 10, 24, 50), "width": 200, "draws": 30, "seed": 0},
    "shortcuts": {"inference": False},
    "signal_propagation": {"depths": (1, 2, 4, 8, 16, 32, 64), "width": 256, "draws": 10, "seed": 0},
    "trajectory": {"steps": 11, "workers": 1},
}


@pytest.mark.parametrize("name", STUDIES.names())
def test_what_grows_by_factors_is_drawn_on_a_logarithmic_scale(name: str) -> None:
    for figure in STUDIES[name].info.figures:
        assert figure.log == ((figure.value or figure.y) in GROWING_BY_FACTORS), figure.title


@pytest.mark.parametrize("name", STUDIES.names())
def test_a_study_unasked_is_what_its_kept_results_were_found_by(name: str) -> None:
    assert STUDIES[name].info.look == LOOKS.get(name, {})
    assert options(STUDIES[name].target) == DEFAULTS.get(name, {})

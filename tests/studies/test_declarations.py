"""What studies declare beside their rows: the scale of figures, and how much of the data is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from skiprun.registry import STUDIES

# What layers, branches or steps multiply; it is above 0. An error, a share or a correlation may be 0.
GROWING_BY_FACTORS = {"grad_norm", "actgrad", "variance", "gradient", "loss"}
# Results that runs keep are found again by what was looked at: another number here measures all anew.
LOOKS: dict[str, dict[str, Any]] = {
    "gradflow": {"split": "train"},
    "landscape": {"split": "train", "images": 256},
    "paths": {"split": "train", "batches": 4, "batch_size": 32},
    "shatter": {"split": "train", "batches": 1},
    "trajectory": {"split": "train", "images": 256},
    "truncate": {"images": 2000, "batches": 0},
}


@pytest.mark.parametrize("name", STUDIES.names())
def test_what_grows_by_factors_is_drawn_on_a_logarithmic_scale(name: str) -> None:
    for figure in STUDIES[name].info.figures:
        assert figure.log == ((figure.value or figure.y) in GROWING_BY_FACTORS), figure.title


@pytest.mark.parametrize("name", STUDIES.names())
def test_a_study_looks_at_what_its_kept_results_were_found_by(name: str) -> None:
    assert STUDIES[name].info.look == LOOKS.get(name, {})

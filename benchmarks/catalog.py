"""What can be measured, by name, and the parts of each."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import (
    costs,
    crews,
    degradation,
    demo,
    epochs,
    floor,
    folders,
    instruments,
    kernels,
    marked_tests,
    numerics,
    parity,
    scaling,
    seeds,
    several,
    shards,
    stacked,
    steps,
    watching,
)
from benchmarks.measure import Setting

ALL: dict[str, Any] = {
    "epochs": epochs,
    "watching": watching,
    "kernels": kernels,
    "steps": steps,
    "tests": marked_tests,
    "seeds": seeds,
    "degradation": degradation,
    "several": several,
    "stacked": stacked,
    "demo": demo,
    "costs": costs,
    "scaling": scaling,
    "folders": folders,
    "shards": shards,
    "floor": floor,
    "numerics": numerics,
    "parity": parity,
    "instruments": instruments,
    "crews": crews,
}
OF_A_GPU = ("epochs", "watching", "kernels", "steps", "tests", "seeds", "degradation")
OF_A_CPU = ("demo", "costs", "folders", "shards", "parity", "instruments", "crews")
# What is measured where nothing is named; on a GPU that is what the bars are about.
DEFAULT = {
    "cuda": OF_A_GPU,
    "cpu": ("steps", *(name for name in ALL if name not in OF_A_GPU)),
}


def parts_of(name: str, setting: Setting) -> dict[str, Callable[[], list[dict[str, Any]]]]:
    """Return the parts of a benchmark by name, each of which returns rows."""
    benchmark = ALL[name]
    if hasattr(benchmark, "parts"):
        found: dict[str, Callable[[], list[dict[str, Any]]]] = benchmark.parts(setting)
        return found
    return {"all": partial(benchmark.run, setting)}

"""A group's numbers as plain data, as comparison.json holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from skiprun.results.groups import Group
from skiprun.results.summary_keys import RATIO, SPEED

SPLITS = {"train": "final.train.", "val": "best.val.", "test": "test."}


def group_document(group: Group) -> dict[str, object]:
    """Return what is known of a group: network, data, mean and spread of each score, and its runs."""
    summary = group.first.summary
    return {
        "name": group.label,
        "model": _with_prefix("model.", summary),
        "data": _with_prefix("data.", summary),
        "seeds": [run.seed for run in group.runs],
        **{
            split: {name: asdict(group.sample(prefix + name)) for name in _with_prefix(prefix, summary)}
            for split, prefix in SPLITS.items()
        },
        "gradient_first_over_last": asdict(group.sample(RATIO)) | {"median": group.ratio},
        "images_per_s": asdict(group.sample(SPEED)),
        "runs": [{"path": str(run.path), "seed": run.seed, **run.summary} for run in group.runs],
    }


def _with_prefix(prefix: str, summary: Mapping[str, object]) -> dict[str, object]:
    """Return what a summary says below a prefix."""
    return {key.removeprefix(prefix): value for key, value in summary.items() if key.startswith(prefix)}

"""Finished runs whose logs hold gradient norms of the layers that their networks have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from skiprun.models.complexity import architecture
from skiprun.run import Run
from tests.support.fake_runs import write_run


def layers_of(model: str) -> list[str]:
    """Return the layers of an architecture for the images of fake runs."""
    return [node["path"] for node in architecture.graph(model, (1, 8, 8))["nodes"] if node["weight"]]


def logged_run(
    folder: Path,
    model: str,
    norms: Mapping[str, Sequence[float | None]],
    seed: int = 0,
    connections: Mapping[str, str] | None = None,
) -> Run:
    """Write a finished run whose log holds the norms of each layer, a step every ten."""
    settings = {"model": {"name": model, "connections": connections}} if connections else None
    run = write_run(folder, model, seed, model=model, settings=settings)
    ends = [line for line in run.metrics_file.read_text().splitlines() if "epoch_end" in line]
    steps = range(max(map(len, norms.values()), default=0))
    rows = [
        {"step": 10 * step, "epoch": step}
        | {f"grad_norm/{n:02d}.{path}": values[step] for n, (path, values) in enumerate(norms.items(), 1)}
        for step in steps
    ]
    run.metrics_file.write_text("".join(f"{line}\n" for line in [*map(json.dumps, rows), *ends]))
    return run

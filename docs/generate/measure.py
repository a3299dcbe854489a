"""`python -m docs.generate.measure`: measure and draw what the cards show; half an hour of one core."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from docs.generate import measure_connections
from docs.generate.measure_studies import call, make
from docs.generate.measured import changing
from docs.generate.study_sources import study_sources
from docs.generate.trials import trials
from skiprun.system.machine import cores, processor

PARTS = ("connections", "studies")


def main() -> None:
    """Measure what is named, and write it down piece by piece."""
    given = options(sys.argv[1:])
    if "connections" in given.parts:
        measure_all_connections(given.runs)
    if "studies" in given.parts:
        measure_all_studies(given.runs)


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m docs.generate.measure", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help="connections, studies; default: both")
    parser.add_argument("--runs", type=Path, default=Path("runs/docs"), help="folder of the runs")
    return parser.parse_args(arguments)


def measure_all_connections(runs: Path) -> None:
    """Measure every trial, and draw the gradients of all."""
    for trial in trials():
        found = measure_connections.measure(trial, runs)
        with changing() as measured:
            measured["trials"][trial.data] = found
            measured["machines"]["connections"] = machine()
    measure_connections.draw_gradients(trials(), runs)


def measure_all_studies(runs: Path) -> None:
    """Train what the studies look at, and make each of them."""
    sources = study_sources()
    for command in sources.prepare:
        call(command, runs)
    for name, source in sources.studies.items():
        found = make(source, runs)
        with changing() as measured:
            measured["studies"][name] = found
            measured["machines"]["studies"] = machine()


def machine() -> str:
    """Return the processor and the version of torch, in words."""
    return f"{processor()}, {len(cores())} cores, torch {metadata.version('torch')}"


if __name__ == "__main__":
    main()

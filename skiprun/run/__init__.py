"""A run directory as an object: its files, state, lock and summary."""

from skiprun.run.directory import (
    RUNS,
    Run,
    differences,
    find_runs,
    flat,
    nearest_run,
    recorded_config,
    refuse_one_place,
    run_folder,
    runs_folder,
    runs_in,
)
from skiprun.run.documents import State

__all__ = [
    "RUNS",
    "Run",
    "State",
    "differences",
    "find_runs",
    "flat",
    "nearest_run",
    "recorded_config",
    "refuse_one_place",
    "run_folder",
    "runs_folder",
    "runs_in",
]

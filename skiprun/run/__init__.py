"""A run directory as an object: its files, state, lock and summary."""

from skiprun.run.differences import differences, flat, recorded_config, refuse_one_place, refuse_repeats
from skiprun.run.directory import Run, find_runs, runs_in
from skiprun.run.documents import State
from skiprun.run.places import RUNS, nearest_run, run_folder, runs_folder

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
    "refuse_repeats",
    "run_folder",
    "runs_folder",
    "runs_in",
]

"""How experiments are told apart."""

from __future__ import annotations

from pathlib import Path

from skiprun.results.grouping import group_by_experiment
from skiprun.results.records import RunRecord
from skiprun.run import Run


def labels(*homes: str) -> list[str]:
    """Return the names of experiments with one run each."""
    records = [RunRecord(Run(Path(home, "seed-0")), "finished") for home in homes]
    return [group.label for group in group_by_experiment(records)]


def test_an_experiment_is_named_by_as_much_of_its_path_as_no_other_ends_in() -> None:
    _, *others = labels("/runs/plain20", "/backup/runs/plain20", "/backup/runs/plain56")
    assert others == ["backup/runs/plain20", "plain56"]


def test_a_path_that_ends_another_is_the_name_as_it_stands() -> None:
    assert labels("/runs/plain20", "/backup/runs/plain20")[0] == "/runs/plain20"

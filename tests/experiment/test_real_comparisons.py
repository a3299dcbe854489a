"""Comparisons of a network with itself, really trained: how often is a difference seen that is not there?"""

from __future__ import annotations

from pathlib import Path

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.config import RunConfig
from skiprun.config_file import load_config
from skiprun.experiment.many import train_missing
from skiprun.experiment.planned import Planned
from skiprun.run import Run
from tests.support import CONFIGS

COMPARISONS, SEEDS, MOST = 40, 3, 5


def planned(config: RunConfig, runs: Path, number: int, side: str) -> list[Planned]:
    """Plan three seeds of resnet20 under a name of their own; no seed is trained twice."""
    first = 2 * SEEDS * number + SEEDS * (side == "b")
    found = []
    for seed in range(first, first + SEEDS):
        one = config.replace(name=f"resnet20-{number}{side}", seed=seed)
        found.append(Planned(one.name, f"{one.name} seed {seed}", Run.of(runs, one), one))
    return found


@pytest.mark.slow
def test_a_network_is_seldom_told_from_itself(tmp_path: Path) -> None:
    """40 comparisons of three seeds with three others: 5 % are 2, and more than 5 come once in 70 times."""
    config = load_config(CONFIGS / "degradation_digits.yaml")
    config = config.replace(model={"name": "resnet20"}, schedule={"epochs": 5})
    pairs = [
        [item for side in "ab" for item in planned(config, tmp_path, number, side)]
        for number in range(COMPARISONS)
    ]
    train_missing([item for pair in pairs for item in pair], tmp_path)
    comparisons = [compare_runs([item.run for item in pair]) for pair in pairs]
    assert all(len(comparison.groups) == 2 for comparison in comparisons)
    rankings = [comparison.verdict.ranking.evidence for comparison in comparisons]
    p_values = [rival.p for ranking in rankings if ranking for rival in ranking.rivals]
    print("p:", sorted(round(p, 3) for p in p_values))
    assert len(p_values) == COMPARISONS
    assert sum(p < 0.05 for p in p_values) <= MOST

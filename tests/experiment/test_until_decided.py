"""Seeds are added until all is decided; training is told beforehand, so that a test takes no time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skiprun.claims.comparison import Comparison
from skiprun.cli.app import app
from skiprun.errors import InputError, Stopped
from skiprun.experiment import compare
from tests.support.fake_runs import write_run
from tests.support.told_training import Scores, Training

NAMES = ["plain20", "resnet20"]
SHAKE = [0.0, 1.5, -1.0, 0.4, -0.7, 0.9, -0.3, 0.6, -1.2, 0.1]


def apart(points: float) -> Scores:
    """Two networks whose errors are so many points apart, with a spread of about one."""
    return lambda model, seed: 20 + (points + SHAKE[seed] if model == "plain20" else 0.0)


def decide(folder: Path, **options: object) -> Comparison:
    return compare(NAMES, runs=folder / "runs", until_decided=True, **options)  # type: ignore[arg-type]


def test_a_clear_difference_is_decided_early(
    tmp_path: Path, training: Callable[[Scores], Training], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    told = training(apart(6.0))
    comparison = decide(tmp_path)
    decision, ranking = comparison.verdict.decision, comparison.verdict.ranking.evidence
    assert decision.answer and decision.evidence and ranking
    seeds = decision.evidence.seeds
    assert 3 < seeds < 8
    assert told.trained == [(name, seed) for name in NAMES for seed in range(3)] + [
        (name, seed) for seed in range(3, seeds) for name in NAMES
    ]
    assert decision.sentences == (
        f"Decided after {seeds} of at most 10 seeds: "
        f"a fixed 10 would have taken {10 - seeds} more seeds of each.",
    )
    assert "Behind it beyond the noise (95 % by a boundary for up to 8 looks, Holm's" in ranking.sentence
    assert [line.split(";")[0] for line in caplog.messages] == [
        f"Not decided after {look} of at most 10 seeds" for look in range(3, seeds)
    ]


def test_what_cannot_be_told_apart_takes_all_seeds(
    tmp_path: Path, training: Callable[[Scores], Training]
) -> None:
    told = training(apart(0.2))
    decision = decide(tmp_path, seeds=6).verdict.decision
    assert decision.answer is False and len(told.trained) == 12
    assert decision.sentences == ("Not decided after 6 of at most 6 seeds; open: digits-plain20.",)


def test_equivalence_within_the_margin_decides_too(
    tmp_path: Path, training: Callable[[Scores], Training]
) -> None:
    training(apart(0.2))
    decision = decide(tmp_path, same_within=4.0).verdict.decision
    assert decision.answer and decision.evidence and decision.evidence.seeds < 10


def test_the_same_command_continues_and_trains_nothing_twice(
    tmp_path: Path, training: Callable[[Scores], Training], caplog: pytest.LogCaptureFixture
) -> None:
    told = training(apart(6.0))
    told.stop_at = 3
    with pytest.raises(Stopped):
        decide(tmp_path)
    told.stop_at = None
    caplog.set_level("INFO")
    caplog.clear()
    comparison = decide(tmp_path)
    assert len(told.trained) == len(set(told.trained))
    assert not [line for line in caplog.messages if "after 3" in line]
    decision = comparison.verdict.decision.evidence
    assert decision and len(told.trained) == 2 * decision.seeds
    again = decide(tmp_path)
    assert len(told.trained) == 2 * decision.seeds and again.to_dict() == comparison.to_dict()
    assert again.report == comparison.report and len(list((tmp_path / "runs/comparisons").iterdir())) == 1


def test_seeds_of_an_earlier_comparison_are_looked_at_one_after_the_other(
    tmp_path: Path, training: Callable[[Scores], Training]
) -> None:
    """A look is of the first seeds, so what is there already has no say in when to stop."""
    training(apart(6.0))
    fixed = compare(NAMES, runs=tmp_path / "runs", seeds=10)
    decision = decide(tmp_path).verdict.decision.evidence
    assert decision and decision.seeds < 8 and fixed.verdict.decision.evidence is None


def test_a_network_that_always_diverges_is_decided_by_its_runs(
    tmp_path: Path, training: Callable[[Scores], Training]
) -> None:
    """It has no score; that it trains seldomer is Fisher's exact test, times eight looks."""
    training(lambda model, seed: None if model == "plain20" else 2 + SHAKE[seed])
    verdict = decide(tmp_path).verdict
    decision, lost = verdict.decision.evidence, verdict.convergence.evidence[0]
    assert decision and decision.is_made and decision.seeds == 6
    assert lost.p == pytest.approx(8 * 2 / 924) and "exact test times 8 looks" in lost._compared()


def test_a_diverged_seed_has_no_partner(tmp_path: Path, training: Callable[[Scores], Training]) -> None:
    def score(model: str, seed: int) -> float | None:
        return None if (model, seed) == ("plain20", 1) else apart(6.0)(model, seed)

    training(score)
    verdict = decide(tmp_path).verdict
    assert verdict.decision.evidence and verdict.ranking.evidence
    assert verdict.ranking.evidence.rivals[0].behind.n == verdict.decision.evidence.seeds - 1


@pytest.mark.parametrize(
    ("names", "seeds", "message"),
    [
        (NAMES, 2, "looks from 3 seeds on"),
        (["plain20"], None, "decides between networks"),
        (["plain20", "digits-resnet20"], None, "digits-resnet20 is there already"),
    ],
)
def test_what_has_nothing_to_decide_is_refused(
    tmp_path: Path, names: list[str], seeds: int | None, message: str
) -> None:
    write_run(tmp_path / "runs", "digits-resnet20", model="resnet20")
    with pytest.raises(InputError, match=message):
        compare(names, runs=tmp_path / "runs", seeds=seeds, until_decided=True)


def test_json_says_what_was_decided(tmp_path: Path, training: Callable[[Scores], Training]) -> None:
    training(apart(6.0))
    arguments = ["compare", *NAMES, "--until-decided", "--seeds", "8", "--json", "--runs", str(tmp_path)]
    verdict = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)["verdict"]
    decision = verdict["decision"]
    assert decision["decided"] and decision["most"] == 8 and decision["undecided"] == []
    assert verdict["ranking"]["rivals"][0]["behind"]["most"] == 8

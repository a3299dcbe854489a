"""What comparisons say: degradation, cure, the worth of skips, rankings, and what cannot be judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.claims.convergence import is_stuck
from skiprun.claims.evidence import detectable
from skiprun.reports import write_comparison
from skiprun.reports.figures import draw
from skiprun.reports.plots import describe
from skiprun.results.records import read
from skiprun.results.significance import difference, exceeds_noise
from skiprun.run import Run
from tests.support.fake_runs import write_run, write_trio


def plain(root: Path, depth: int, losses: list[float], **more: Any) -> list[Run]:
    return [write_run(root, f"plain{depth}", seed, loss=loss, **more) for seed, loss in enumerate(losses)]


def residual(root: Path, depth: int, losses: list[float], **more: Any) -> list[Run]:
    more = {"connection": "add"} | more
    return [write_run(root, f"resnet{depth}", seed, loss=loss, **more) for seed, loss in enumerate(losses)]


def said(comparison: Comparison, start: str) -> str:
    """Return the one sentence that starts so."""
    found = [sentence for sentence in comparison.verdict.sentences if sentence.startswith(start)]
    assert len(found) == 1, comparison.verdict.sentences
    return found[0]


def test_seen_and_cured(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path))
    verdict = comparison.verdict
    assert (verdict.degradation.answer, verdict.cure.answer) == (True, True)
    pair, cure = verdict.degradation.evidence[0], verdict.cure.evidence[0]
    assert (pair.shallow, pair.deep, cure.network, cure.connection) == (
        "plain20",
        "plain56",
        "resnet56",
        "add",
    )
    assert [seed["higher"] for seed in pair.by_seed] == [True, True, True]
    assert pair.p < 0.05 and pair.low < pair.ratio < pair.high
    assert cure.closed == pytest.approx(1, abs=0.01)
    assert verdict.tested and pair.tested and cure.tested and cure.p < 0.05
    sentence = said(comparison, "Degradation was seen: plain56")
    assert "higher in 3 of 3 seeds" in sentence and "p < 0.001 against 1.05, paired by seed" in sentence
    assert "p = 0.0042 against 95 %" in said(comparison, "Cured by 'add'")
    assert "resnet56" in said(comparison, "Cured by 'add' (3 of 3 seeds)")
    assert "within" not in " ".join(verdict.sentences)


def test_one_seed_is_seen_and_untested(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path, seeds=1))
    write_comparison(comparison, tmp_path / "out")
    verdict = comparison.verdict
    assert (verdict.degradation.answer, verdict.cure.answer, verdict.tested) == (None, None, False)
    assert (verdict.degradation.evidence[0].seen, verdict.cure.evidence[0].seen) == (True, True)
    sentence = said(comparison, "Degradation was seen in one seed, untested: plain56")
    said(comparison, "Cured by 'add' in one seed, untested: resnet56")
    assert "of 1 seeds" not in sentence
    said(comparison, "n = 1: one seed shows a difference, not its spread; --seeds 3 tests it.")
    assert " ".join(verdict.sentences).count("n = 1") == 1
    assert "p =" not in sentence and "p <" not in sentence and "interval" not in sentence
    ranking = said(comparison, "Best test error")
    assert (
        "plain20 with 1.10 % (one seed, untested)" in ranking and "Behind it, untested: resnet56" in ranking
    )
    assert "beyond the noise" not in ranking and "told apart" not in ranking
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())["verdict"]
    assert (
        saved["tested"] is False
        and saved["pairs"][0]["tested"] is False
        and saved["cures"][0]["tested"] is False
    )
    assert saved["ranking"]["tested"] is False and saved["ranking"]["rivals"][0]["beyond_noise"] is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<strong>yes in what was run, untested</strong>" in page
    assert "<strong>add: yes in what was run, untested</strong>" in page
    assert "<strong>plain20, untested against 2 of 2</strong>" in page
    assert not any(
        "told apart" in (tmp_path / "out" / name).read_text() for name in ("report.html", "report.md")
    )


def test_seeds_that_agree_are_no_test(tmp_path: Path) -> None:
    """Two seeds may agree by chance: each other time where there is no difference."""
    comparison = compare_runs(
        plain(tmp_path, 20, [0.5, 0.5]) + plain(tmp_path, 56, [0.6, 1.2]) + residual(tmp_path, 56, [0.5])
    )
    assert (
        comparison.verdict.degradation.answer is None
        and comparison.verdict.tested
        and not comparison.verdict.cure.evidence
    )
    sentence = said(comparison, "Degradation is undecided: plain56")
    assert "higher in 2 of 2 seeds" in sentence and "not beyond the noise; detectable: " in sentence


def test_a_cure_in_two_of_two_seeds_is_undecided_where_the_test_is(tmp_path: Path) -> None:
    runs = (
        plain(tmp_path, 20, [0.10, 0.11])
        + plain(tmp_path, 56, [2.0, 2.1])
        + residual(tmp_path, 56, [0.05, 0.19])
    )
    comparison = compare_runs(runs)
    assert (comparison.verdict.degradation.answer, comparison.verdict.cure.answer) == (True, None)
    said(comparison, "Undecided, whether it is cured by 'add' (2 of 2 seeds)")


def test_seen_and_not_cured(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.01, 0.02, 0.01]) + plain(tmp_path, 56, [2.0, 1.8, 1.9])
    runs += residual(tmp_path, 56, [1.0, 1.1, 1.0], connection="highway")
    comparison = compare_runs(runs)
    assert (comparison.verdict.degradation.answer, comparison.verdict.cure.answer) == (True, False)
    assert "closes 4" in said(comparison, "Not cured by 'highway' (0 of 3 seeds)")


def test_two_connections_are_judged_each(tmp_path: Path) -> None:
    runs = (
        plain(tmp_path, 20, [0.01, 0.011])
        + plain(tmp_path, 56, [2.0, 2.1])
        + residual(tmp_path, 56, [0.011, 0.012])
    )
    runs += [
        write_run(tmp_path, "highway56", seed, connection="highway", loss=loss, model="resnet56")
        for seed, loss in enumerate([3.0, 3.1])
    ]
    comparison = compare_runs(runs)
    assert [(cure.connection, cure.cured) for cure in comparison.verdict.cure.evidence] == [
        ("add", True),
        ("highway", False),
    ]
    assert comparison.verdict.cure.answer is True
    assert "does not narrow" in said(comparison, "Not cured by 'highway'")


def test_level_losses_are_no_degradation(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.50, 0.52, 0.51]) + plain(tmp_path, 56, [0.50, 0.51, 0.51])
    runs += residual(tmp_path, 56, [0.4, 0.4])
    comparison = compare_runs(runs)
    assert comparison.verdict.degradation.answer is False
    assert comparison.verdict.cure.answer is None and not comparison.verdict.cure.evidence
    said(comparison, "Degradation was not seen: plain56")


def test_two_networks_that_learned_by_heart_are_level(tmp_path: Path) -> None:
    comparison = compare_runs(plain(tmp_path, 20, [0.0001, 0.0002]) + plain(tmp_path, 56, [0.004, 0.0041]))
    assert comparison.verdict.degradation.answer is False
    assert "by heart" in said(comparison, "Degradation was not seen")


def test_seeds_that_disagree_leave_it_open(tmp_path: Path) -> None:
    comparison = compare_runs(plain(tmp_path, 20, [0.5, 0.5, 0.5]) + plain(tmp_path, 56, [0.9, 0.4, 0.6]))
    assert comparison.verdict.degradation.answer is None
    assert "higher in 2 of 3 seeds" in said(comparison, "Degradation is undecided")


def test_without_a_plain_network_nothing_is_judged(tmp_path: Path) -> None:
    comparison = compare_runs(residual(tmp_path, 20, [0.1]) + residual(tmp_path, 56, [0.1]))
    assert comparison.verdict.degradation.answer is None
    assert "plain20 and plain56" in said(comparison, "Degradation cannot be judged")


def test_a_missing_shallow_control_is_named(tmp_path: Path) -> None:
    comparison = compare_runs(plain(tmp_path, 56, [2.0]) + residual(tmp_path, 56, [0.1]))
    assert "add a shallower one, such as plain20" in said(comparison, "Degradation cannot be judged")


def test_a_control_that_is_still_training_is_named(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.1], state="stopped") + plain(tmp_path, 56, [2.0])
    comparison = compare_runs(runs)
    assert "Not finished or not readable: plain20/seed-0." in said(comparison, "Degradation cannot be judged")
    assert comparison.remarks == ["Not compared: plain20/seed-0: is stopped"]


def test_a_missing_twin_with_skips_is_named(tmp_path: Path) -> None:
    runs = (
        plain(tmp_path, 20, [0.01, 0.01])
        + plain(tmp_path, 56, [2.0, 2.1])
        + residual(tmp_path, 20, [0.01, 0.01])
    )
    comparison = compare_runs(runs)
    assert (comparison.verdict.degradation.answer, comparison.verdict.cure.answer) == (True, None)
    assert "such as resnet56" in said(comparison, "Whether skips cure it cannot be judged")


def test_a_plain_network_that_diverged_is_no_degradation(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.01]) + plain(
        tmp_path, 56, [2.0], state="diverged", message="nan at step 40"
    )
    comparison = compare_runs(runs + residual(tmp_path, 56, [0.01]))
    assert comparison.verdict.degradation.answer is None
    assert "another fault than degradation" in said(comparison, "plain56 diverged in every run")
    assert comparison.remarks == ["Not compared: plain56/seed-0: diverged (nan at step 40)"]


def test_one_seed_of_three_that_diverged_is_told(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=2)
    runs.append(write_run(tmp_path, "plain56", 2, state="diverged"))
    assert "flatter it" in said(
        compare_runs(runs), "plain56 trained in 2 of 3 runs (95 % interval 21 to 94 %): 1 diverged"
    )


def test_several_depths_are_all_judged_against_the_shallowest(tmp_path: Path) -> None:
    runs = plain(tmp_path, 56, [1.0]) + plain(tmp_path, 20, [0.1]) + plain(tmp_path, 32, [0.4])
    comparison = compare_runs(runs)
    names = [(pair.shallow, pair.deep) for pair in comparison.verdict.degradation.evidence]
    assert names == [("plain20", "plain32"), ("plain20", "plain56"), ("plain32", "plain56")]
    assert sum("Degradation was seen" in sentence for sentence in comparison.verdict.sentences) == 2


def test_networks_of_other_families_are_not_paired(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.1]) + plain(tmp_path, 56, [2.0], family="another")
    comparison = compare_runs(runs)
    assert not comparison.verdict.degradation.evidence
    said(comparison, "Degradation cannot be judged: no two finished plain networks of one family")


def test_an_uncontrolled_pair_is_called_so(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.1]) + plain(tmp_path, 56, [2.0], settings={"optim": {"lr": 0.01}})
    comparison = compare_runs(runs)
    assert comparison.verdict.degradation.evidence[0].also_differ == ["optim.lr"]
    assert "no controlled experiment: optim.lr differs too" in said(comparison, "Degradation was seen")
    assert comparison.cautions == ("optim.lr differs between the groups: plain20 0.1; plain56 0.01.",)


def test_a_plug_in_that_one_network_needs_is_no_difference_beside_the_model(tmp_path: Path) -> None:
    with_file = [{"imported": {"own.py": digest}} for digest in ("1a", "2b")]
    beside = plain(tmp_path, 20, [0.1]) + plain(tmp_path, 56, [2.0], settings=with_file[0])
    assert compare_runs(beside).cautions == ()
    changed = plain(tmp_path / "b", 20, [0.1], settings=with_file[1]) + beside[1:]
    said_of_it = ("imported.own.py differs between the groups: plain20 2b; plain56 1a.",)
    assert compare_runs(changed).cautions == said_of_it


def test_controlled_pairs_are_preferred(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.1]) + plain(tmp_path, 56, [2.0])
    runs += [write_run(tmp_path, "slow56", model="plain56", loss=0.1, settings={"optim": {"lr": 0.01}})]
    assert [pair.deep for pair in compare_runs(runs).verdict.degradation.evidence] == ["plain56"]


def test_different_data_is_tabulated_and_not_ranked(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.1]) + plain(tmp_path, 56, [2.0], fingerprint="beef")
    comparison = compare_runs(runs)
    assert comparison.verdict.ranking.evidence is None and not comparison.verdict.degradation.evidence
    assert len(comparison.groups) == 2
    assert comparison.to_dict()["ranked"] is False
    assert "contents or its split differ" in comparison.not_comparable[0]
    assert "beef" in comparison.not_comparable[0] and "f00d" in comparison.not_comparable[0]
    assert not any(sentence.startswith("Best") for sentence in comparison.verdict.sentences)


def scored(root: Path, tests: dict[str, list[float]], **more: Any) -> list[Run]:
    """Write networks that are ranked and nothing else, with a test error by seed; NaN is a lost seed."""
    return [
        write_run(root, name, seed, connection=None, model="vgg11", test={"error": value}, **more)
        for name, values in tests.items()
        for seed, value in enumerate(values)
        if not math.isnan(value)
    ]


def test_ranking_tells_differences_from_noise(tmp_path: Path) -> None:
    tests = {"a": [1.0, 1.2, 1.1], "b": [1.1, 1.0, 1.25], "c": [5.0, 5.3, 5.2]}
    comparison = compare_runs(scored(tmp_path, tests))
    ranking = comparison.verdict.ranking.evidence
    assert ranking is not None and ranking.first == ["a"] and ranking.best is None
    assert {rival.network: rival.beyond_noise for rival in ranking.rivals} == {"b": False, "c": True}
    sentence = said(comparison, "No single best in test error: a comes first with 1.10 % (mean of 3 seeds)")
    assert "c (+4.07 points" in sentence and "Not told apart from it: b" in sentence
    assert "b (+0.02 points, p = 0.89, detectable 1.07, this one with more than 1,000 seeds)" in sentence
    said(comparison, "Detectable: a true difference that is found in 80 % of such comparisons")
    assert "One test image is 0.28 points" in sentence
    assert not any("Degradation" in text for text in comparison.verdict.sentences)


@pytest.mark.parametrize("seeds", [[1.1], [1.1, 1.3], [1.1, 1.3, 1.2]])
def test_a_tie_is_said_as_a_tie(seeds: list[float], tmp_path: Path) -> None:
    comparison = compare_runs(scored(tmp_path, {"a": seeds, "b": seeds, "c": [5.0, 5.3, 5.1][: len(seeds)]}))
    write_comparison(comparison, tmp_path / "out")
    ranking = comparison.verdict.ranking.evidence
    assert ranking is not None and ranking.first == ["a", "b"] and ranking.best is None
    sentence = said(comparison, "Tied for the best test error: a and b, each with 1.")
    assert "Behind them" in sentence and "c (+" in sentence and "b (+" not in sentence
    page, saved = ((tmp_path / "out" / name).read_text() for name in ("report.html", "comparison.json"))
    assert "Tied for the best test error</span><strong>a and b</strong>" in page and '"best": null' in saved
    assert "Best test" not in page + (tmp_path / "out" / "report.md").read_text()


def test_what_means_order_and_the_test_does_not_is_no_best(tmp_path: Path) -> None:
    comparison = compare_runs(scored(tmp_path, {"a": [1.0, 1.2, 1.1], "b": [1.1, 1.0, 1.25]}))
    write_comparison(comparison, tmp_path / "out")
    said(comparison, "No single best in test error: a comes first")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "No single best in test error</span><strong>a, not told apart from 1 of 1</strong>" in page


def test_seeds_that_nobody_shares_are_not_called_one_seed(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, "plain20", 0, loss=0.1), write_run(tmp_path, "plain56", 1, loss=2.0)]
    sentence = said(compare_runs(runs), "Degradation was seen in seeds that differ, untested: ")
    assert "no seed in common" in sentence


def test_a_share_of_the_gap_is_the_measured_one(tmp_path: Path) -> None:
    runs = plain(tmp_path, 20, [0.2]) + plain(tmp_path, 56, [1.2]) + residual(tmp_path, 56, [0.13])
    sentence = said(compare_runs(runs), "Cured by 'add'")
    assert "closes all of the gap between plain56 and plain20 (107.0 % of it; " in sentence


def test_all_pairs_are_corrected_for_since_the_best_is_chosen_by_the_same_scores(tmp_path: Path) -> None:
    near = {"a": [1.0, 1.2, 1.1], "b": [1.4, 1.65, 1.4]}
    far = {f"n{number}": [10.0 + number, 11.0 - number, 10.5 + 0.2 * number**2] for number in range(8)}
    two, ten = (
        compare_runs(scored(tmp_path / "two", near)),
        compare_runs(scored(tmp_path / "ten", near | far)),
    )
    (alone,), (beside, *_) = (
        each.verdict.ranking.evidence.rivals for each in (two, ten) if each.verdict.ranking.evidence
    )
    assert alone.network == beside.network == "b"
    assert (alone.beyond_noise, beside.beyond_noise) == (True, False)
    assert alone.p == alone.behind.p and beside.p > 10 * beside.behind.p


def test_one_lost_seed_leaves_the_others_paired_and_is_named(tmp_path: Path) -> None:
    tests = {"a": [1.0, 5.0, 9.0, 3.0], "b": [1.5, 5.6, 9.6, math.nan], "c": [2.0, 6.1, 10.2, 4.1]}
    comparison = compare_runs(scored(tmp_path, tests))
    assert comparison.verdict.ranking.evidence is not None
    gaps = {rival.network: rival.behind for rival in comparison.verdict.ranking.evidence.rivals}
    assert (gaps["b"].method, gaps["b"].n, list(gaps["b"].by_seed)) == ("paired t", 3, [0, 1, 2])
    assert gaps["b"].mean == pytest.approx(0.5667, abs=1e-3) and exceeds_noise(gaps["b"].p)
    assert comparison.cautions == (
        "b lacks seed 3, which others have; where seeds are paired, the others count.",
    )


def test_an_interval_of_an_error_ends_where_errors_do(tmp_path: Path) -> None:
    comparison = compare_runs(scored(tmp_path, {"a": [90.0, 98.0], "b": [0.0, 1.0]}))
    a, b = (group.sample("test.error") for group in comparison.groups)
    assert (a.high, b.low) == (100.0, 0.0) and 0 < a.low < 94 and 0.5 < b.high < 100
    assert comparison.to_dict()["groups"][0]["test"]["error"]["high"] == 100.0
    drawing = next(each for each in draw(describe(comparison.groups)) if each.name == "test_error")
    reach = [x for line in drawing.figure.axes[0].lines for x in np.asarray(line.get_xdata())]
    assert min(reach) >= 0 and max(reach) <= 100 and "cut where the score ends" in drawing.caption


SEGMENTATION: dict[str, Any] = {"task": "segmentation", "family": "unet", "model": "unet"}


def test_segmentation_says_what_skips_are_worth(tmp_path: Path) -> None:
    runs = []
    for seed, shift in enumerate([0.0, 0.004, -0.006]):
        without = {"iou": 0.78 + shift, "dice": 0.87, "boundary": 0.55 + shift}
        with_skips = {"iou": 0.88 + 0.5 * shift, "dice": 0.93 + shift, "boundary": 0.80}
        runs.append(write_run(tmp_path, "noskip", seed, connection="none", test=without, **SEGMENTATION))
        runs.append(write_run(tmp_path, "unet", seed, connection="concat", test=with_skips, **SEGMENTATION))
    comparison = compare_runs(runs)
    gains = {worth.score: worth.gain for worth in comparison.verdict.skip_benefit.evidence}
    assert list(gains) == ["iou", "dice", "boundary"]
    assert gains["iou"].mean == pytest.approx(0.1, abs=0.01) and exceeds_noise(gains["iou"].p)
    assert gains["boundary"].mean == pytest.approx(0.25, abs=0.01)
    assert "+0.1003" in said(comparison, "In test iou the skips ('concat')")
    assert said(comparison, "Best test iou: unet")
    assert "noskip loses 31 % of the boundary score and 11 % of the iou" in said(
        comparison, "The skips of unet matter mostly at the boundaries"
    )
    assert comparison.verdict.degradation.answer is None
    assert not any("Degradation" in sentence for sentence in comparison.verdict.sentences)


def test_skips_that_are_worth_nothing_are_said_so(tmp_path: Path) -> None:
    runs = []
    for seed, (one, other) in enumerate([(0.80, 0.81), (0.82, 0.80), (0.81, 0.805)]):
        runs.append(write_run(tmp_path, "noskip", seed, connection="none", test={"iou": one}, **SEGMENTATION))
        runs.append(
            write_run(tmp_path, "unet", seed, connection="concat", test={"iou": other}, **SEGMENTATION)
        )
    sentence = said(
        compare_runs(runs),
        "In test iou the skips ('concat') are worth nothing that these seeds show (-0.0050)",
    )
    assert "not beyond the noise; detectable 0.0" in sentence


def test_one_seed_of_segmentation_is_untested(tmp_path: Path) -> None:
    scores = {"noskip": {"iou": 0.7, "boundary": 0.5}, "unet": {"iou": 0.9, "boundary": 0.9}}
    kinds = {"noskip": "none", "unet": "concat"}
    comparison = compare_runs(
        [
            write_run(tmp_path, name, connection=kinds[name], test=scores[name], **SEGMENTATION)
            for name in scores
        ]
    )
    assert (
        comparison.verdict.tested is False
        and comparison.verdict.skip_benefit.evidence[0].beyond_noise is None
    )
    said(comparison, "In test iou the skips ('concat') are worth +0.2000 in one seed, untested: ")
    said(comparison, "The skips of unet matter mostly at the boundaries, untested: ")


def test_segmentation_without_a_control_says_so(tmp_path: Path) -> None:
    comparison = compare_runs(
        [write_run(tmp_path, "unet", connection="concat", test={"iou": 0.9}, **SEGMENTATION)]
    )
    said(comparison, "What the skips of unet are worth cannot be judged")


def test_segmentation_tables_show_no_single_class(tmp_path: Path) -> None:
    scores = {"iou": 0.9, "boundary": 0.8, "iou_class_1": 0.7}
    (group,) = compare_runs(
        [write_run(tmp_path, "unet", connection="concat", test=scores, **SEGMENTATION)]
    ).groups
    assert group.test_scores == ["iou", "boundary"]


def test_a_difference_that_no_score_can_have_is_not_called_detectable() -> None:
    gap = difference({0: 1.0, 1: 90.0}, {0: 2.0, 1: 30.0})
    assert gap.detectable > 100
    assert detectable(gap, "error") == "detectable nothing, this one with 19 seeds"
    near = difference({0: 1.0, 1: 2.0, 2: 1.5}, {0: 1.1, 1: 2.0, 2: 1.4})
    assert detectable(near, "error") == f"detectable {near.detectable:.2f}"


def test_a_run_that_ends_no_better_than_guessing_is_counted(tmp_path: Path) -> None:
    """Guessing one of ten digits is wrong in 90 % of 1,293 images, and two standard errors are 1.7 points."""
    runs = [write_run(tmp_path, "deep", seed, error=error) for seed, error in enumerate([88.4, 5.0, 90.1])]
    runs += [write_run(tmp_path, "shallow", seed, error=5.0) for seed in range(3)]
    sentence = said(compare_runs(runs), "deep trained in 1 of 3 runs")
    assert "2 ended no better than guessing" in sentence and "flatter" not in sentence
    assert "not told apart from shallow (p = 0.4, Fisher's exact test)" in sentence
    saved = compare_runs(runs).verdict.to_dict()["not_always_trained"]
    assert isinstance(saved, list) and saved[0]["stuck"] == 2 and saved[0]["share"]["trained"] == 1


def test_masks_that_one_class_everywhere_scores_as_well_are_not_learned(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, "unet", seed, task="segmentation", error=0.5) for seed in range(2)]
    records = [read(run) for run in runs]
    stuck = replace(records[0], summary={**records[0].summary, "trivial.train.iou": 0.5})
    assert [is_stuck(record) for record in (stuck, records[1])] == [True, False]


def test_networks_that_are_the_same_within_a_margin_are_equivalent(tmp_path: Path) -> None:
    tests = {"a": [1.0, 1.2, 1.1, 1.0], "b": [1.05, 1.2, 1.15, 1.1], "c": [2.0, 1.0, 1.6, 1.5]}
    runs = scored(tmp_path, tests)
    ranking = compare_runs(runs, same_within=0.5).verdict.ranking.evidence
    assert ranking is not None
    assert {rival.network: rival.equivalent for rival in ranking.rivals} == {"b": True, "c": False}
    assert "EQUIVALENT to a within 0.50 points" in ranking.sentence
    assert "Not shown to be within 0.50 points of a: c (+0.45 points, p = " in ranking.sentence
    asked_nothing = compare_runs(runs).verdict.ranking.evidence
    assert asked_nothing is not None and asked_nothing.rivals[0].equivalent is None
    assert "EQUIVALENT" not in asked_nothing.sentence and "within" not in asked_nothing.sentence


def test_what_the_test_split_can_tell_apart_is_said(tmp_path: Path) -> None:
    """Of 360 images, at an error of 1.5 %: the square root of .015 x .985 / 360 is .64 points."""
    comparison = compare_runs(scored(tmp_path, {"a": [1.5, 1.5], "b": [1.6, 1.9]}))
    assert "would move an error of 1.50 % by 0.64 points" in " ".join(comparison.verdict.sentences)

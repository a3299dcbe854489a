"""Runs of one seed are compared by the images of the test split, and the spread over seeds is split."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.reports import write_comparison
from skiprun.run import Run
from tests.support.fake_images import give_arrays, give_labels
from tests.support.fake_runs import write_run

HOLM = "Holm's correction over all pairs"
ARCHITECTURES = "these runs, not the architectures."


def run_with(root: Path, name: str, wrong: list[int], seed: int = 0, fingerprint: str = "f00d") -> Run:
    """Write a run that is wrong on some of 360 images, and knows on which."""
    test = {"error": 100 * len(wrong) / 360}
    run = write_run(root, name, seed, test=test, fingerprint=fingerprint, connection="add")
    return give_labels(run, wrong, fingerprint=fingerprint)


def ranking_of(comparison: Comparison) -> str:
    found = comparison.verdict.ranking
    assert found.evidence
    return found.sentences[0]


def test_two_runs_are_told_apart_by_their_images(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "resnet20", [0, 1]), run_with(tmp_path, "resnet56", list(range(1, 14)))]
    sentence = ranking_of(compare_runs(runs))
    assert "Best test error: resnet20 with 0.56 % (one seed, untested)." in sentence
    behind = (
        "Behind it by images: resnet56 (+3.06 points; 13 of 360 images differ, 12 of them for the worse, "
    )
    assert f"{behind}p = 0.0034)." in sentence
    assert f"By images (McNemar's exact test, Holm's correction over all pairs): {ARCHITECTURES}" in sentence
    assert "Behind it, untested" not in sentence


def test_few_images_tell_nothing(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "resnet20", [0, 1]), run_with(tmp_path, "resnet56", [1, 2, 3, 4])]
    sentence = ranking_of(compare_runs(runs))
    assert "Not shown to be behind it by images: resnet56 (+0.56 points; 4 of 360 images differ" in sentence
    assert ARCHITECTURES in sentence


def test_several_networks_are_corrected_for_all_pairs(tmp_path: Path) -> None:
    wrong = {"resnet20": [0], "resnet32": list(range(1, 9)), "resnet56": list(range(8))}
    runs = [run_with(tmp_path, name, each) for name, each in wrong.items()]
    ranking = compare_runs(runs).verdict.ranking.evidence
    assert ranking
    found = {rival.network: rival.by_images for rival in ranking.rivals}
    assert found["resnet32"] and found["resnet56"]
    # Of the three pairs: 2 * 10 / 512, 2 / 128, 1.
    assert found["resnet56"].p == pytest.approx(3 * 2 / 128)
    assert found["resnet32"].p == pytest.approx(2 * 20 / 512)


def test_the_numbers_are_in_the_document(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "resnet20", [0, 1]), run_with(tmp_path, "resnet56", list(range(1, 14)))]
    write_comparison(compare_runs(runs), tmp_path / "out")
    verdict = json.loads((tmp_path / "out" / "comparison.json").read_text())["verdict"]
    found = verdict["ranking"]["rivals"][0]["by_images"]
    assert (found["images"], found["worse"], found["better"]) == (360, 12, 1)
    assert ARCHITECTURES in (tmp_path / "out" / "report.md").read_text()


def without_images(runs: list[Run]) -> Comparison:
    comparison = compare_runs(runs)
    assert "Behind it, untested: resnet56 (+3.06 points)." in ranking_of(comparison)
    assert "images differ" not in ranking_of(comparison)
    assert not comparison.verdict.spread.evidence
    return comparison


def pair(root: Path) -> list[Run]:
    return [run_with(root, "resnet20", [0, 1]), run_with(root, "resnet56", list(range(1, 14)))]


def test_a_run_without_the_file_is_compared_as_before(tmp_path: Path) -> None:
    runs = pair(tmp_path)
    runs[0].images_file.unlink()
    assert not [text for text in without_images(runs).remarks if "test.npz" in text]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    runs = pair(tmp_path)
    content = bytearray(runs[0].images_file.read_bytes())
    content[500] ^= 1
    runs[0].images_file.write_bytes(content)
    told = "Caution: Of resnet20/seed-0, test.npz: damaged, its checksum does not match; its images are not"
    assert any(text.startswith(told) for text in without_images(runs).remarks)


def test_the_file_of_another_run_is_told(tmp_path: Path) -> None:
    runs = pair(tmp_path)
    runs[0].images_file.write_bytes(runs[1].images_file.read_bytes())
    told = "Caution: Of resnet20/seed-0, test.npz: of another run, or another time of it"
    assert any(text.startswith(told) for text in without_images(runs).remarks)


def test_other_images_are_not_compared(tmp_path: Path) -> None:
    runs = pair(tmp_path)
    give_labels(runs[0], [0, 1], fingerprint="beef")
    without_images(runs)


def test_masks_are_compared_by_the_score_of_each_image(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    iou = draw.uniform(0.5, 0.9, 60)
    for name, gain in {"unet": 0.05, "unet_plain": 0.0}.items():
        values = iou + gain - 0.06 * gain * np.arange(60)
        run = write_run(tmp_path, name, test={"iou": float(values.mean())}, task="segmentation")
        give_arrays(run, iou=values)
    runs = [Run(tmp_path / name / "seed-0") for name in ("unet", "unet_plain")]
    sentence = ranking_of(compare_runs(runs))
    assert (
        "60 of 60 images differ" in sentence and f"By images (sign test, {HOLM}): {ARCHITECTURES}" in sentence
    )


def test_several_seeds_split_their_spread(tmp_path: Path) -> None:
    wrong = [[0, 1, 2, 3], [2, 3, 4, 5, 6, 7], [1, 5]]
    runs = [run_with(tmp_path, "resnet20", each, seed) for seed, each in enumerate(wrong)]
    verdict = compare_runs(runs).verdict
    [sentence] = verdict.spread.sentences
    # Errors of 4, 6 and 2 of 360; of 8 images, six are wrong once or twice of three: a variance of 1/3 each.
    [found] = verdict.spread.evidence
    assert found.spread.total == pytest.approx(100 * 2 / 360)
    assert found.spread.by_images == pytest.approx(100 * (8 / 3) ** 0.5 / 360)
    assert "resnet20 0.56, of which 360 images alone give 0.45, and the networks 0.32 (0 to " in sentence
    assert verdict.to_dict()["spread"]


def test_two_seeds_say_nothing_of_their_spread(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "resnet20", [seed], seed) for seed in range(2)]
    assert not compare_runs(runs).verdict.spread.evidence


def test_a_seed_without_images_keeps_the_spread_from_being_split(tmp_path: Path) -> None:
    runs = [run_with(tmp_path, "resnet20", [seed], seed) for seed in range(4)]
    runs[3].images_file.unlink()
    assert not compare_runs(runs).verdict.spread.evidence

"""TensorBoard's own reader finds each network of a comparison as the mean and the ends of its seeds."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.reports.seed_bands import write_seed_bands
from skiprun.run import Run
from tests.support.fake_runs import write_run, write_trio


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    folder = tmp_path_factory.mktemp("bands")
    comparison = compare_runs(write_trio(folder / "runs", seeds=3))
    write_seed_bands(comparison, folder / "tensorboard")
    return comparison, folder / "tensorboard"


def read(folder: Path) -> EventAccumulator:
    reader = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    reader.Reload()
    return reader


def course(run: Run, tag: str) -> dict[int, float]:
    """Return what the log of a run says, which is written without its reader."""
    return {int(row["step"] or 0): float(row[tag] or 0) for row in run.metrics() if tag in row}


@pytest.mark.parametrize("tag", ["val/error", "train/epoch_loss", "grad/first_over_last", "test/error"])
def test_a_band_is_mean_lowest_and_highest_seed_at_each_step(
    compared: tuple[Comparison, Path], tag: str
) -> None:
    comparison, folder = compared
    for group in comparison.groups:
        seeds = [course(run.run, tag) for run in group.runs]
        for name, choose in {"mean": statistics.fmean, "low": min, "high": max}.items():
            shown = {point.step: point.value for point in read(folder / group.label / name).Scalars(tag)}
            expected = {step: choose([seed[step] for seed in seeds]) for step in seeds[0]}
            assert shown == pytest.approx(expected, rel=1e-6)


def test_no_line_of_a_layer_and_the_settings_are_those_that_differ(compared: tuple[Comparison, Path]) -> None:
    comparison, folder = compared
    assert sorted(path.name for path in folder.iterdir()) == sorted(g.label for g in comparison.groups)
    reader = read(folder / comparison.groups[0].label / "mean")
    assert not [tag for tag in reader.Tags()["scalars"] if tag.startswith(("grad_norm/", "time/"))]
    content = reader.summary_metadata[metadata.SESSION_START_INFO_TAG].plugin_data.content
    settings = metadata.parse_session_start_info_plugin_data(content).hparams
    assert set(settings) == set(comparison.protocol.differing)
    assert settings["model.name"].string_value == comparison.groups[0].first.text("model.name")


def test_the_columns_of_hparams_are_scores_and_the_same_in_every_network(
    compared: tuple[Comparison, Path],
) -> None:
    """TensorBoard takes the columns of all runs from the first that says them; else it shows gradients."""
    comparison, folder = compared
    for group in comparison.groups:
        told = read(folder / group.label / "mean").summary_metadata[metadata.EXPERIMENT_TAG]
        shown = metadata.parse_experiment_plugin_data(told.plugin_data.content)
        assert [each.name.tag for each in shown.metric_infos] == ["test/error", "val/error"]
        assert {each.name for each in shown.hparam_infos} == set(comparison.protocol.differing)


def test_written_again_no_point_is_doubled(compared: tuple[Comparison, Path]) -> None:
    comparison, folder = compared
    label = comparison.groups[0].label
    before = len(read(folder / label / "mean").Scalars("val/error"))
    write_seed_bands(comparison, folder)
    assert len(read(folder / label / "mean").Scalars("val/error")) == before


def test_runs_without_events_have_no_bands(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "plain20", settings={"log": {"tensorboard": False}})
    write_seed_bands(compare_runs([run]), tmp_path / "tensorboard")
    assert not (tmp_path / "tensorboard").exists()

"""`skiprun compare --watch`: the page of a comparison while its runs go on."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.errors import Stopped, StorageError
from skiprun.experiment import compare, watching
from skiprun.experiment.planned import Planned
from skiprun.experiment.watching import page_kept_current
from skiprun.reports.comparison_files import write_comparison
from skiprun.reports.progress_page import write_progress
from skiprun.run import Run
from tests.support.fake_runs import write_run
from tests.support.told_training import Scores, Training


def under_way(root: Path) -> list[Run]:
    """Write a network with a finished run and one that goes on, and one of which nothing is finished."""
    return [
        write_run(root, "plain20", 0),
        write_run(root, "plain20", 1, state="running", epochs=7),
        write_run(root, "resnet20", 0, connection="add", state="running", epochs=4),
    ]


def test_the_page_shows_how_all_runs_go_and_what_is_found_of_those_that_ended(tmp_path: Path) -> None:
    page = write_progress(under_way(tmp_path / "runs"), 4, tmp_path / "out" / "duo", 5).read_text()
    assert "<h1>plain20 / resnet20</h1>" in page and "1 of 4 runs are finished; this page keeps" in page
    assert '<html lang="en" data-reload="5">' in page
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    (numbers,) = re.findall(r'<script type="application/json" id="charts">(.*?)</script>', page)
    charts = {chart["name"]: chart for chart in json.loads(numbers)["charts"]}
    for name in ("training_loss", "validation_error", "gradient_flow_start"):
        assert [(run["network"], run["seed"]) for run in charts[name]["runs"]] == [(0, 0), (0, 1), (1, 0)]
        assert f'<figure id="{name}">' in page
    assert [len(places) for places in charts["validation_error"]["places"]] == [15, 7, 4]
    assert "Not compared: resnet20/seed-0: is still running" in page


def test_a_page_of_nothing_yet_can_be_written(tmp_path: Path) -> None:
    page = write_progress([], 3, tmp_path / "out" / "none", 5).read_text()
    assert "0 of 3 runs are finished" in page and 'id="charts"' not in page


def test_a_page_that_stands_still_is_not_loaded_anew(tmp_path: Path) -> None:
    runs = under_way(tmp_path / "runs")
    page = write_progress(runs, 3, tmp_path / "out" / "duo", None).read_text()
    assert "the others were stopped" in page
    for text in (page, write_comparison(compare_runs(runs), tmp_path / "out" / "duo").read_text()):
        assert "data-reload" not in text.split("<script")[0] and 'http-equiv="refresh"' not in text


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], Event]:
    """What is written in the place of pages, and an event that tells of the third."""
    pages, third = list[Any](), Event()

    def write(runs: list[Run], planned: int, folder: Path, reload: int | None, _: object) -> Path:
        pages.append((len(runs), planned, reload))
        if len(pages) == 3:
            third.set()
        return folder / "report.html"

    monkeypatch.setattr(watching, "write_progress", write)
    monkeypatch.setattr(watching, "EVERY", 0.01)
    monkeypatch.setattr(watching, "REST", 0)
    return pages, third


def plan(root: Path) -> list[Planned]:
    return [
        Planned("plain20", "plain20 seed 0", write_run(root, "plain20", state="running")),
        Planned("plain20", "plain20 seed 1", Run(root / "plain20" / "seed-1")),
    ]


def test_pages_are_written_while_runs_go_on_and_no_more_after(
    tmp_path: Path, written: tuple[list[Any], Event]
) -> None:
    pages, third = written
    with page_kept_current(plan(tmp_path), tmp_path / "out"):
        assert third.wait(60)
    count = len(pages)
    assert set(pages) == {(1, 2, 0.01)} and count >= 3
    assert not any(thread.name == watching.NAME for thread in threading.enumerate())


def test_what_was_stopped_leaves_a_page_that_stands_still(
    tmp_path: Path, written: tuple[list[Any], Event]
) -> None:
    pages, third = written
    with pytest.raises(Stopped), page_kept_current(plan(tmp_path), tmp_path / "out"):
        assert third.wait(60)
        raise Stopped(2)
    assert pages[-1] == (1, 2, None)


def test_training_goes_on_where_the_page_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> Path:
        raise StorageError("out: no room.")

    monkeypatch.setattr(watching, "write_progress", full)
    with page_kept_current(plan(tmp_path), tmp_path / "out"):
        pass
    assert "no room. The page is written when all runs have ended." in caplog.text


def test_compare_leaves_the_whole_page_at_the_end_and_watches_nothing_where_all_is_trained(
    tmp_path: Path, training: Callable[[Scores], Training], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    training(lambda model, seed: 1.0 + seed)
    for told in (1, 1):
        comparison = compare(["plain20", "resnet20"], runs=tmp_path / "runs", seeds=2, watch=True)
        assert caplog.text.count("The page is kept current") == told
        assert comparison.report and "4 finished runs on" in comparison.report.read_text()

"""Thousands of runs are listed from an index that is never wrong, and any log takes little memory."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.reports import known_runs, list_runs, runs_rows
from skiprun.results import index
from skiprun.results.history import read_history
from skiprun.results.records import read
from skiprun.results.thinning import MAX_LINES, Thinned
from skiprun.run import Run, find_runs
from tests.support.fake_runs import write_run


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the runs that were read from now on."""
    names: list[str] = []

    def reading(run: Run) -> Any:
        names.append(run.name)
        return read(run)

    monkeypatch.setattr(known_runs, "read", reading)
    return names


def by_name(rows: Sequence[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: str(row["name"]))


def write_some(root: Path, count: int) -> list[Run]:
    """Write runs, each a second later than the one before."""
    runs = [write_run(root, f"run{number:02}", model="plain20", epochs=1) for number in range(count)]
    for number, run in enumerate(runs):
        for path in (run.config_file, run.metrics_file, run.status_file):
            os.utime(path, (number, number))
    return runs


def test_a_listing_says_what_the_runs_say_and_reads_each_once(tmp_path: Path, reads: list[str]) -> None:
    runs = write_some(tmp_path, 3)
    write_run(tmp_path, "stopped", model="plain20", state="stopped", message="by hand")
    first, second = list_runs(tmp_path), list_runs(tmp_path)
    assert first == second and first.total == 4
    assert by_name(first.rows) == runs_rows(find_runs(tmp_path))
    assert reads.count("stopped/seed-0") == 1 and reads.count(runs[0].name) == 1


def change_summary(run: Run) -> None:
    run.finish(run.summary() | {"test": {"error": 99.0}})


def damage_in_place(run: Run) -> None:
    with run.summary_file.open("r+b") as file:
        file.write(b"[")


def begin_again(run: Run) -> None:
    run.summary_file.unlink()


def another_config(run: Run) -> None:
    run.config_file.write_text(run.config_file.read_text().replace("plain20", "plain32"))


@pytest.mark.parametrize("change", [change_summary, damage_in_place, begin_again, another_config])
def test_what_changed_is_read_again(change: Callable[[Run], None], tmp_path: Path) -> None:
    runs = write_some(tmp_path, 2)
    before = by_name(list_runs(tmp_path).rows)
    change(runs[1])
    after = by_name(list_runs(tmp_path).rows)
    assert after == runs_rows(runs) and after[0] == before[0] and after[1] != before[1]


def test_runs_that_come_go_or_are_renamed_are_seen(tmp_path: Path) -> None:
    runs = write_some(tmp_path, 2)
    list_runs(tmp_path)
    write_run(tmp_path, "run00", 1, model="plain20")
    runs[1].path.parent.rename(tmp_path / "other")
    assert [row["name"] for row in by_name(list_runs(tmp_path).rows)] == [
        "other/seed-0",
        "run00/seed-0",
        "run00/seed-1",
    ]
    (tmp_path / "empty" / "seed-0").mkdir(parents=True)
    assert list_runs(tmp_path).total == 3
    (tmp_path / "empty" / "seed-0" / "config.yaml").write_text(runs[0].config_file.read_text())
    assert list_runs(tmp_path).total == 4


def test_a_run_that_is_trained_now_is_running(tmp_path: Path) -> None:
    run = write_run(tmp_path, "one", state="stopped")
    assert list_runs(tmp_path).rows[0]["state"] == "stopped"
    with run.lock():
        assert list_runs(tmp_path).rows[0]["state"] == "running"
    assert list_runs(tmp_path).rows[0]["state"] == "stopped"


def test_the_latest_are_those_that_wrote_last_and_the_total_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: list[str]
) -> None:
    write_some(tmp_path, 4)
    assert [row["name"] for row in list_runs(tmp_path, 2).rows] == ["run03/seed-0", "run02/seed-0"]
    assert reads == ["run03/seed-0", "run02/seed-0"], "only what is shown is read"
    monkeypatch.setattr("skiprun.cli.runs.LATEST", 2)
    shown = {
        option: CliRunner().invoke(app, ["runs", "--runs", str(tmp_path), *option.split()]).stdout
        for option in ("", "--all", "--json")
    }
    assert "run01" not in shown[""] and "The latest 2 of 4 runs; --all shows every one." in shown[""]
    assert "run00" in shown["--all"] and "latest" not in shown["--all"]
    assert len(json.loads(shown["--json"])) == 4


def test_a_broken_index_is_made_again_without_a_word(tmp_path: Path) -> None:
    write_some(tmp_path, 3)
    expected = list_runs(tmp_path)
    file = tmp_path / index.NAME
    whole = file.read_bytes()
    draw = random.Random(0)
    for _ in range(200):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        file.write_bytes(changed)
        assert list_runs(tmp_path) == expected
    for content in (b"", b"[", whole[: len(whole) // 2]):
        file.write_bytes(content)
        assert list_runs(tmp_path) == expected
        assert file.read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some(tmp_path, 2)
    (tmp_path / index.NAME).mkdir()
    assert list_runs(tmp_path).total == 2
    assert list_runs(tmp_path / "none").rows == []


def test_the_index_holds_for_any_way_to_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_some(tmp_path / "runs", 1)
    list_runs(tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    assert list_runs(Path("runs")).rows[0]["path"] == "runs/run00/seed-0"


def test_few_lines_are_all_kept_and_many_evenly() -> None:
    for count in (1, 5, MAX_LINES, MAX_LINES + 1, 10 * MAX_LINES + 3):
        kept = Thinned()
        for number in range(count):
            kept.add(b"%d\n" % number)
        numbers = [int(line) for line in kept.lines]
        assert (numbers[0], numbers[-1]) == (0, count - 1)
        assert len(numbers) == count if count <= MAX_LINES else MAX_LINES / 2 < len(numbers) <= MAX_LINES + 1
        assert len({after - before for before, after in pairwise(numbers[:-1])}) <= 1, (
            "evenly, but for the last"
        )
    assert Thinned().lines == []


def test_a_long_log_is_drawn_from_its_first_to_its_last_row(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20", model="plain8")
    short = read_history(read(run), "error")
    rows = [row for row in run.metrics() if "lr" in row]
    with run.metrics_file.open("a") as log:
        for step in range(1000, 1000 + 3 * MAX_LINES):
            log.write(json.dumps(rows[-1] | {"step": step}) + "\n")
    long = read_history(read(run), "error")
    assert long.first_norms == short.first_norms and long.loss == short.loss
    assert max(long.ratio) == 999 + 3 * MAX_LINES and len(long.ratio) <= MAX_LINES + 1
    layers = sorted(key for key in rows[-1] if key.startswith("grad_norm/"))
    assert list(long.median_norms.values()) == pytest.approx([rows[-1][layer] for layer in layers])


def test_a_listing_of_which_nothing_is_new_is_not_written(tmp_path: Path) -> None:
    list_runs(tmp_path)
    assert not (tmp_path / index.NAME).exists()


def test_folders_that_are_hidden_or_cannot_be_shown_hold_no_runs(tmp_path: Path) -> None:
    for name in (".hidden", "bell\a"):
        write_run(tmp_path, "run", model="plain20").path.parent.rename(tmp_path / name)
    assert list_runs(tmp_path).total == 0
    write_run(tmp_path, "shown", model="plain20")
    assert [row["name"] for row in list_runs(tmp_path).rows] == ["shown/seed-0"]

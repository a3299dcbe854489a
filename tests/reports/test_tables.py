"""Tables of the terminal: complete, narrow, ASCII, and unimpressed by markup and damage."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.text import Text

from skiprun.claims.comparison import compare_runs
from skiprun.reports import comparison_table, run_details, run_table, runs_rows, runs_table
from skiprun.reports.layout import Fitting, PlainTable
from skiprun.run import Run, find_runs
from tests.support.fake_runs import write_run, write_trio


def printed(renderable: RenderableType, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.isascii()
    assert max(len(line) for line in text.splitlines()) <= width
    return text


def test_comparison_fits_80_columns_with_every_number(tmp_path: Path) -> None:
    text = printed(comparison_table(compare_runs(write_trio(tmp_path))))
    for expected in ("269,722", "40.6 M", "0.0103", "68.03 +- 0.25", "gradient", "images/s", "resnet56"):
        assert expected in text
    assert text.count("\nplain56") == 3  # in two halves, and behind the best


def test_comparison_is_one_table_where_there_is_room(tmp_path: Path) -> None:
    text = printed(comparison_table(compare_runs(write_trio(tmp_path))), width=160)
    assert text.count("\nplain56") == 2


def test_segmentation_shows_every_test_score(tmp_path: Path) -> None:
    test = {"iou": 0.88, "dice": 0.93, "boundary": 0.81}
    runs = [
        write_run(tmp_path, "unet", seed, task="segmentation", connection="concat", test=test)
        for seed in (0, 1)
    ]
    text = printed(comparison_table(compare_runs(runs)))
    assert "0.8800 +- 0.0000" in text and "0.9300" in text and "0.8100" in text and "boundary" in text


def test_markup_in_names_is_shown_as_it_is(tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path, "[bold]", model="plain20"),
        write_run(tmp_path, "x", state="failed", message="[/foo]"),
    ]
    assert "[bold]" in printed(comparison_table(compare_runs(runs)))
    assert "[/foo]" in printed(comparison_table(compare_runs(runs)))
    assert "[bold]/seed-0" in printed(runs_table(runs)) and "[/foo]" in printed(runs_table(runs))
    wide = 1000  # so that no path is folded, however long
    assert "[bold]" in printed(run_table(runs[0]), wide) and "[/foo]" in printed(run_table(runs[1]), wide)


TABLE = r"""
          test
run    error %  state
plain     1.10  finished
a\nb     12.00  [/foo]
"""


def test_a_table_that_fits_is_a_line_a_row_and_weighs_each_cell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    headings = [("run", False), ("test\nerror %", True), ("state", False)]
    rows: list[list[str | Text]] = [["plain", "1.10", Text("finished", "green")], ["a\nb", "12.00", "[/foo]"]]
    monkeypatch.delattr(Measurement, "get")  # with which rich weighs, and 20,000 rows took 40 s
    text = printed(Fitting([PlainTable(headings, rows)]), width=24)
    assert [line.rstrip() for line in text.splitlines()] == TABLE.strip("\n").splitlines()


def test_nothing_is_cut_off(tmp_path: Path) -> None:
    name = "a_name_of_sixty_four_letters_" + "x" * 35
    runs = [write_run(tmp_path, name, model="plain20")]
    for table in (comparison_table(compare_runs(runs)), runs_table(runs)):
        assert name in "".join(line.split(" ")[0] for line in printed(table).splitlines())


@pytest.mark.parametrize("width", [64, 80, 100, 140])
def test_no_name_of_a_run_is_broken_where_there_is_room_for_it(width: int, tmp_path: Path) -> None:
    runs = [
        write_run(tmp_path, "a_name_of_thirty_letters_in_all", number, model="resnet56") for number in (0, 1)
    ]
    text = printed(runs_table(runs), width=width)
    for run in runs:
        assert any(line.startswith(f"{run.name}  finished") for line in text.splitlines()), text
    assert text.count("1.10 %") == 4, "both scores of both runs"


def test_runs_lists_states_progress_and_scores(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs.append(
        write_run(tmp_path, "stopped20", model="plain20", state="stopped", epochs=15, test={"error": 4.0})
    )
    runs[-1].metrics_file.write_text("".join(runs[-1].metrics_file.read_text().splitlines(keepends=True)[:9]))
    rows = {row["name"]: row for row in runs_rows(runs)}
    assert rows["plain20/seed-0"] | {"when": "", "path": ""} == {
        "name": "plain20/seed-0",
        "path": "",
        "state": "finished",
        "message": "",
        "model": "plain20",
        "dataset": "digits",
        "progress": "15 epochs",
        "score": "error",
        "val": 1.1,
        "test": 1.1,
        "when": "",
        "tags": [],
    }
    stopped = rows["stopped20/seed-0"]
    assert (stopped["state"], stopped["progress"], stopped["test"]) == ("stopped", "3/15 epochs", None)
    assert stopped["val"] > 4
    text = printed(runs_table(runs), width=120)
    assert "3/15 epochs" in text and "68.00 %" in text


@pytest.mark.parametrize(
    "file", ["config.yaml", "summary.json", "environment.json", "metrics.jsonl", "status.json"]
)
def test_a_broken_file_never_breaks_a_listing(tmp_path: Path, file: str) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs.append(write_run(tmp_path, "stopped20", model="plain20", state="stopped"))
    for run in runs[1:]:
        if file != "summary.json" or run.summary_file.exists():
            (run.path / file).write_bytes(b'{"a": [\xff "epoch_end"\n')
    text = printed(runs_table(find_runs(tmp_path)))
    assert "plain20/seed-0" in text and "plain56/seed-0" in text
    for run in runs:
        printed(run_table(run))
        assert run_details(run)["name"] == run.name


def test_a_damaged_summary_is_named_below_the_list(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    runs[1].summary_file.write_text("{")
    assert runs_rows(runs)[1]["state"] == "broken"
    assert "plain56/seed-0: " in printed(runs_table(runs))


def test_no_runs_says_how_to_start_one() -> None:
    assert "skiprun train" in printed(runs_table([]))


def test_show_has_numbers_config_and_session(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    details = run_details(run)
    assert details["summary"]["model.parameters"] == 269_722
    assert details["config"]["optim.lr"] == 0.1
    assert details["checkpoints"] == [{"name": "best.pt", "bytes": 7}]
    text = printed(run_table(run))
    for expected in ("269,722", "optim.lr", "test.error", "abc1234", "best.pt"):
        assert expected in text


def test_show_cuts_long_lists(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    summary = run.summary()
    run.finish(
        summary
        | {"data": summary["data"] | {"class_names": [f"class {n}" for n in range(1000)]}, "epochs": 5.99}
    )
    text = printed(run_table(run))
    assert "(1,000 in all)" in text and "class 999" not in text
    assert "6 epochs" in text


def test_show_of_an_unfinished_run(tmp_path: Path) -> None:
    text = printed(run_table(write_run(tmp_path, "plain20", state="diverged", message="nan at step 40")))
    assert "diverged" in text and "nan at step 40" in text


def test_show_of_a_directory_that_is_gone(tmp_path: Path) -> None:
    assert "gone/seed-0" in printed(run_table(Run(tmp_path / "gone" / "seed-0")), width=200)

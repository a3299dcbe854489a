"""The progress of runs on a terminal: step and time left at any usual width, and no number cut short."""

from __future__ import annotations

import importlib
import io
import logging
import subprocess
import sys

import pytest

from skiprun.cli import tables, terminal
from skiprun.display.board import Board
from skiprun.display.console import PlainConsole
from skiprun.display.scores import scores_of
from skiprun.errors import Stopped, counted, percent

cli = importlib.import_module("skiprun.cli.app")  # not the `app` inside it

RECORD = {
    "step": 1276,
    "epoch": 23,
    "train/epoch_loss": 0.2641,
    "val/loss": 0.2735,
    "val/iou": 0.8676,
    "time/images_per_s": 12330.0,
}


def shown(width: int) -> str:
    """Return a run's line on a terminal of a width."""
    screen = io.StringIO()
    console = PlainConsole(file=screen, width=width, force_terminal=True, color_system=None)
    board = Board(console)
    row = board.row("unet_none_cells seed 12")
    row.step(0, 2880)
    row.step(1276, 2880)
    row.epoch(RECORD)
    console.print(board.bars.get_renderable())
    return screen.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_step_and_time_left_are_shown_whole_at_any_usual_width(width: int) -> None:
    line = shown(width)
    assert "1276/2880" in line and "-:--:--" in line
    assert len(line.splitlines()) == 1


def test_a_run_on_one_of_several_gpus_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    row = Board(terminal.people).row("resnet20 seed 3")
    row.located("GPU 7")
    row.step(1, 2880)
    row.epoch(RECORD)
    assert capsys.readouterr().err.startswith("resnet20 seed 3 (GPU 7): epoch 23 step 1276/2880")
    assert row.board.bars.tasks[0].description == "resnet20 seed 3 (GPU 7)"


@pytest.mark.parametrize("width", range(60, 120))
def test_a_score_is_shown_whole_or_not_at_all(width: int) -> None:
    scores = shown(width).split("-:--:--")[1].strip()
    assert "loss 0.2641 val loss 0.2735 val iou 0.8676  12,330 images/s".startswith(scores)
    assert not scores or scores.endswith(("0.2641", "0.2735", "0.8676", "images/s"))


def test_a_wide_terminal_shows_every_score() -> None:
    assert "val iou 0.8676  12,330 images/s" in shown(140)


def test_the_title_of_a_narrow_table_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_table(["score", "value"], [["loss", "0.1"]], "digits-resnet56/seed-0, [test]")
    assert capsys.readouterr().out.splitlines()[0] == "digits-resnet56/seed-0, [test]"


def test_a_stop_that_was_asked_for_is_no_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop() -> None:
        raise Stopped(2, 41)

    monkeypatch.setattr(cli, "app", stop)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    monkeypatch.setattr(cli.threading, "excepthook", cli.threading.excepthook)
    for unwanted in ("leave_imports_alone", "trust_no_working_folder"):
        monkeypatch.setattr(cli, unwanted, lambda: None)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 130
    assert capsys.readouterr().err.startswith("Stopped after step 41; the checkpoint is saved.")


@pytest.mark.parametrize(("quiet", "printed"), [(True, "warning\n"), (False, "what is done\nwarning\n")])
def test_a_command_prints_each_line_of_the_log_once_and_quiet_ones_warnings_alone(
    quiet: bool, printed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        terminal.start_logging()
    terminal.set_quiet(quiet)
    logging.getLogger("skiprun.experiment.train").info("what is done")
    logging.getLogger("skiprun.experiment.train").warning("warning")
    assert capsys.readouterr() == ("", printed)


@pytest.mark.parametrize(
    ("module", "times"), [("data.notices", 1), ("experiment.known_data", 1), ("experiment.train_beside", 2)]
)
def test_what_is_about_the_data_is_printed_once_however_often_it_is_opened(
    module: str, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.start_logging()
    for _ in range(2):
        importlib.import_module(f"skiprun.{module}").log.warning("first line\nsecond line")
    assert capsys.readouterr().err == "first line\nsecond line\n" * times


@pytest.mark.parametrize(
    ("asked", "printed"),
    [("", "warning\n"), ("logging.basicConfig(format='%(message)s', level='INFO')", "info\nwarning\n")],
)
def test_from_python_warnings_are_printed_and_what_is_done_if_a_program_asks_for_it(
    asked: str, printed: str
) -> None:
    lines = [
        "import logging, skiprun",
        asked,
        "log = logging.getLogger('skiprun.data')",
        "log.info('info')",
        "log.warning('warning')",
    ]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", printed)


@pytest.mark.parametrize("total", [1, 7, 15, 19, 1000, 170_498_071])
def test_where_nobody_watches_work_is_told_in_tenths_and_to_its_end(
    total: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for what in ("lesion", "paths", "paths"):
        for done in [*range(0, total, -(-total // 1000)), total]:
            terminal.loading(done, total, what)
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == min(total, 10) and lines[-1] == f"{what}: {total:,} of {total:,}"


@pytest.mark.parametrize(
    ("share", "decimals", "words"), [(0.8264, 1, "82.6 %"), (0.9, 0, "90 %"), (1, 1, "100.0 %")]
)
def test_a_share_is_written_with_a_space_before_its_unit(share: float, decimals: int, words: str) -> None:
    assert percent(share, decimals) == words


def test_of_an_error_of_many_lines_the_first_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.complain("2 images cannot be used:\n  a.png is damaged\n  b.png is empty")
    told = "error: 2 images cannot be used:\n  a.png is damaged\n  b.png is empty\n"
    assert capsys.readouterr().err == told


def test_an_error_has_its_unit() -> None:
    shown = scores_of({"val/loss": 0.5, "val/error": 12.5, "val/iou": 0.5, "time/images_per_s": 1})
    assert shown[:3] == ["val loss 0.5", "val error 12.5 %", "val iou 0.5"]


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "thread", "1 thread"),
        (2, "core", "2 cores"),
        (1.0, "epoch", "1 epoch"),
        (1.1, "epoch", "1.1 epochs"),
        (1200, "image", "1,200 images"),
        (5, "class", "5 classes"),
        (0, "run", "0 runs"),
    ],
)
def test_numbers_and_nouns_agree(number: float, noun: str, words: str) -> None:
    assert counted(number, noun) == words

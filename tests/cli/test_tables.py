"""Tables of the listing commands: no word is broken, no number loses its unit, what is left out is said."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from skiprun.cli import tables
from skiprun.cli.app import app
from skiprun.display.console import PlainConsole
from skiprun.reports.layout import PlainTable

LISTINGS = [
    "config",
    "config optim.lr",
    "datasets",
    "connections",
    "connections highway",
    "probes",
    "studies",
    "models resnet*",
    pytest.param("models", marks=pytest.mark.slow),
    "models show resnet20",
    "models cost mobilenet_v1",
]


def printed(monkeypatch: pytest.MonkeyPatch, command: str, width: int) -> list[str]:
    """Return the lines that a command prints on a screen of a width."""
    console = PlainConsole(width=width)
    monkeypatch.setattr(tables, "results", console)
    for command_file in ("config", "listings", "models"):
        monkeypatch.setattr(f"skiprun.cli.{command_file}.results", console)
    with console.capture() as capture:
        assert CliRunner().invoke(app, command.split()).exit_code == 0
    return capture.get().splitlines()


@pytest.mark.parametrize("command", LISTINGS)
def test_no_word_of_a_listing_is_broken(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    words = {word for line in printed(monkeypatch, command, 1000) for word in line.split()}
    for width in (60, 80, 120):
        lines = printed(monkeypatch, command, width)
        assert {word for line in lines for word in line.split()} <= words | {"summary", "network"}
        assert max(map(len, lines)) <= width


def test_numbers_keep_their_units_and_optional_columns_go_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tables, "results", PlainConsole(width=30))
    tables.show_table(
        ["name", "year", "MACs"], [["a_name_of_20_letters__", 2015, "40.6 M"]], optional=["year"]
    )
    shown = capsys.readouterr()
    assert "a_name_of_20_letters__ 40.6 M" in shown.out and "2015" not in shown.out
    assert shown.err == "Left out in this width: year; all with --json.\n"


def test_columns_without_room_stand_below_each_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tables, "results", PlainConsole(width=25))
    tables.show_table(["name", "what it is"], [["segmentation_of", "classification of all"]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "name       segmentation_o",
        "           f",
        "what it is classification",
        "           of all",
        "",
    ]


def test_no_column_at_all_is_cut() -> None:
    widths = tables.fitting_widths(["a", "b"], [["word " * 9, "x" * 20], ["-", None]], 40, 16)
    assert widths is not None and sum(widths) + tables.GAP <= 40 and widths[1] == 20
    assert tables.fitting_widths(["a", "b"], [["x" * 20, "x" * 20]], 40, 16) is None


def test_the_help_cuts_no_sentence_of_a_command() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert re.search(r"compare +Train what is missing under one protocol, then compare\.", shown)
    assert "..." not in shown.split("Commands:")[1]


def test_the_help_shows_commands_and_both_kinds_of_studies_apart() -> None:
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    commands, networks, laws = re.split(r"Studies of \w+:", shown.split("Commands:")[1])
    assert "  train " in commands and "  lesion " in networks and "  shatter_theorem " in laws
    assert "  lesion " not in commands


def test_names_of_wide_signs_get_the_room_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    console = PlainConsole(width=30)
    monkeypatch.setattr(tables, "results", console)
    with console.capture() as capture:
        tables.show_table(["class", "images"], [["数字の零です", 6], ["🐈🐈", 7]])
    assert capture.get().split() == ["class", "images", "数字の零です", "6", "🐈🐈", "7"]


def test_no_name_is_read_as_markup_or_as_an_emoji(monkeypatch: pytest.MonkeyPatch) -> None:
    name, console = r"\[bold] :cat: [/] x", PlainConsole(width=60)
    monkeypatch.setattr(tables, "results", console)
    with console.capture() as capture:
        console.print(name)
        tables.show_table([name, "n"], [[name, 6]])
        console.print(PlainTable([(name, False)], [[name]]))
    assert capture.get().count(name) == 5
    console = PlainConsole(width=15)
    monkeypatch.setattr(tables, "results", console)
    with console.capture() as narrow:
        console.print(PlainTable([("name", False)], [[name]]))
    assert "".join(narrow.get().split()) == "name" + "".join(name.split())

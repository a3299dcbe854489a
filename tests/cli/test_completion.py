"""Completion of commands, options, runs, keys, architectures, templates, studies and claims, from a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from skiprun.cli import completion
from skiprun.cli.completion import read_table
from skiprun.cli.completion_table import kinds_of, make_table
from skiprun.cli.completion_words import Table, candidates
from skiprun.config.templates import templates
from tests.support.fake_runs import write_run


@pytest.fixture(scope="module")
def table() -> Table:
    return make_table()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with runs, a config and a folder of configs."""
    monkeypatch.chdir(tmp_path)
    for name, seed in (("digits-plain20", 0), ("digits-plain20", 1), ("smoke", 0)):
        write_run(tmp_path / "runs", name, seed)
    (tmp_path / "configs").mkdir()
    (tmp_path / "own.yaml").touch()
    (tmp_path / "own.txt").touch()
    return tmp_path


def words(table: Table, line: str) -> list[str]:
    """Return what the last word of a line may become."""
    *args, incomplete = line.split(" ")[1:]
    return [word for word, _ in candidates(table, args, incomplete)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("skiprun trai", ["train"]),
        ("skiprun train --see", ["--seed"]),
        ("skiprun train resnet5", ["resnet56", "resnet50"]),
        ("skiprun train own", ["own.yaml"]),
        ("skiprun train conf", ["configs/"]),
        ("skiprun train own.yaml --set optim.l", ["optim.lr=", "optim.label_smoothing="]),
        ("skiprun train own.yaml optim.mom", ["optim.momentum="]),
        ("skiprun compare digits", ["digits-plain20"]),
        ("skiprun evaluate digits-plain20/", ["digits-plain20/seed-0", "digits-plain20/seed-1"]),
        ("skiprun evaluate smoke --split ", ["train", "val", "test"]),
        ("skiprun runs sho", ["show"]),
        ("skiprun runs show smo", ["smoke"]),
        ("skiprun models show highway5", ["highway56"]),
        ("skiprun models draw --inp", ["--input"]),
        ("skiprun lesion sm", ["smoke"]),
        ("skiprun lesion smoke --dra", ["--draws"]),
        ("skiprun studies run shatter_d", ["shatter_depth"]),
        ("skiprun reproduce deep_lin", ["deep_linear"]),
        ("skiprun config optim.mom", ["optim.momentum"]),
        ("skiprun nothing", []),
        ("skiprun train own.yaml nothing", []),
    ],
)
def test_a_word_becomes_what_can_stand_there(line: str, found: list[str], table: Table) -> None:
    assert words(table, line) == found


def test_templates_and_every_command_are_offered(table: Table) -> None:
    assert words(table, "skiprun new ") == [*templates()]
    assert {"train", "compare", "check", "lesion", "deep_linear", "runs"} <= set(words(table, "skiprun "))


def test_runs_are_those_of_the_folder_that_is_named(
    table: Table, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(folder / "others", "theirs")
    assert words(table, "skiprun evaluate --runs others ") == ["theirs"]
    monkeypatch.setenv("SKIPRUN_RUNS", str(folder / "others"))
    assert words(table, "skiprun evaluate ") == ["theirs"]
    monkeypatch.setenv("SKIPRUN_RUNS", str(folder / "none"))
    assert words(table, "skiprun evaluate ") == []


@pytest.mark.parametrize(
    ("metavar", "kinds"),
    [
        ("train|val|test", ["train", "val", "test"]),
        ("RUN|FILE", ["RUN"]),
        ("[TEMPLATE]", ["template"]),
        ("KEY=VALUE", ["KEY"]),
        ("DIR", []),
    ],
)
def test_a_placeholder_of_the_help_says_what_stands_there(metavar: str, kinds: list[str]) -> None:
    assert kinds_of(metavar) == kinds


def test_the_table_is_kept_until_a_source_changes(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Mock(return_value=table)
    monkeypatch.setattr("skiprun.cli.completion_table.make_table", make)
    assert read_table() == read_table() == table
    assert make.call_count == 1
    monkeypatch.setattr(completion, "sources_key", lambda: "other")
    read_table()
    assert make.call_count == 2


@pytest.mark.parametrize(
    ("shell", "asked", "said"),
    [
        ("bash", {"COMP_WORDS": "skiprun train resnet5", "COMP_CWORD": "2"}, "resnet56\nresnet50"),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "skiprun trai"}, '"train":"Train each CONFIG.'),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "skiprun trai", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
            "train",
        ),
    ],
)
def test_a_shell_is_answered_in_its_format_without_torch_and_without_the_commands(
    shell: str, asked: dict[str, str], said: str, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.cli.completion_table.make_table", lambda: table)
    read_table()
    for name, value in {**asked, completion.VARIABLE: f"complete_{shell}"}.items():
        monkeypatch.setenv(name, value)
    program = "import atexit, sys; from skiprun.cli import main\n"
    program += "loaded = {'torch', 'pydantic', 'rich.console', 'skiprun.cli.app'}\n"
    program += "atexit.register(lambda: print(loaded & set(sys.modules), file=sys.stderr)); main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert said in done.stdout, done.stderr
    assert done.stderr.strip() == "set()"

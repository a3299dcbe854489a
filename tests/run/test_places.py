"""Every command finds runs where --runs or $SKIPRUN_RUNS says, data elsewhere, and reads ~ as a home."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.cli.commands import COMMANDS as LISTED
from skiprun.cli.options import user_path
from skiprun.config_file import build_config
from skiprun.errors import InputError
from skiprun.experiment import load_run, train
from skiprun.models.weights.weight_file import read_weights

# Neither the runs nor the data of anybody: they list what there is, count networks, or look at weights alone.
WITHOUT_RUNS = {
    "config",
    "models list",
    "models show",
    "models cost",
    "datasets",
    "connections",
    "probes",
    "studies list",
    "new",
    "lesson",
    "check",
}
WITHOUT_DATA = WITHOUT_RUNS | {"dashboard", "predict", "models draw", "explain"}
WITHOUT_DATA |= {f"runs {verb}" for verb in ("list", "show", "diff", "tag", "rm", "restore", "export")}


def commands(listed: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each command of the command line by its words."""
    for command in listed:
        if hasattr(command, "commands"):
            yield from commands(command.commands.values(), f"{command.name} ")
        else:
            yield f"{prefix}{command.name}", command.callback


def parameters(command: Callable[..., Any]) -> dict[str, tuple[Any, Any]]:
    """Return type and description of each parameter of a command."""
    hints = get_type_hints(command, include_extras=True)
    return {name: get_args(hint)[:2] for name, hint in hints.items() if get_args(hint) and name != "return"}


def words(option: Any) -> set[str]:
    """Return the words of an option; Typer takes the first of them for its default."""
    return {option.default, *(option.param_decls or ())}


COMMANDS = dict(commands(each.whole() for each in LISTED))


def test_the_lists_above_name_commands_that_there_are() -> None:
    assert COMMANDS.keys() >= WITHOUT_DATA


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_RUNS))
def test_a_command_looks_for_runs_where_option_and_variable_say(name: str) -> None:
    _, option = parameters(COMMANDS[name])["runs"]
    assert "--runs" in words(option) and option.envvar == "SKIPRUN_RUNS"


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_DATA))
def test_a_command_that_opens_data_is_told_where_it_is(name: str) -> None:
    assert "root" in parameters(COMMANDS[name])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_path_is_read_with_the_home_of_its_user(name: str) -> None:
    for kind, option in parameters(COMMANDS[name]).values():
        if Path in (kind, *get_args(kind)):
            assert option.parser is user_path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a run in ~/scratch/runs."""
    folder = tmp_path_factory.mktemp("home")
    plain = {
        "name": "one",
        "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
        "data": {"name": "digits", "batch_size": 64},
        "schedule": {"steps": 2},
        "compute": {"device": "cpu"},
        "log": {"tensorboard": False},
    }
    train(build_config(plain), runs=folder / "scratch" / "runs")
    return folder


@pytest.fixture(params=["~/scratch/runs", "scratch/runs"])
def elsewhere(home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable names the folder of runs, below the home or from the working folder."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SKIPRUN_RUNS", request.param)
    monkeypatch.chdir(home)


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "arguments",
    [
        ["runs", "show", "one"],
        ["evaluate", "one"],
        ["resume", "one"],
        ["truncate", "one"],
        ["evaluate", "one/seed-0"],
    ],
    ids=" ".join,
)
def test_a_run_is_found_by_name(arguments: list[str], home: Path) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.exception
    assert not (home / "~").exists() and not (home / "runs").exists()


@pytest.mark.usefixtures("elsewhere")
def test_python_and_given_weights_find_a_run_by_name() -> None:
    assert load_run("one").state == "finished"
    assert "conv1.weight" in read_weights("one", "resnet_cifar").state


@pytest.mark.usefixtures("elsewhere")
def test_a_folder_of_the_same_name_that_holds_no_run_hides_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as the data of a config of the same name."""
    monkeypatch.setenv("SKIPRUN_RUNS", str(load_run("one").path.parent.parent.absolute()))
    monkeypatch.chdir(tmp_path)
    Path("one", "train").mkdir(parents=True)
    assert load_run("one").state == "finished"
    assert CliRunner().invoke(app, ["runs", "show", "one"]).exit_code == 0
    assert "run " in read_weights("one", "resnet_cifar").source
    with pytest.raises(InputError, match="train is no run directory"):
        load_run("one/train")


def test_an_option_with_a_tilde_leaves_no_folder_of_that_name(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["runs", "--runs=~/scratch/runs", "--json"])
    assert [row["name"] for row in json.loads(shown.stdout)] == ["one/seed-0"]
    assert load_run("one", runs="~/scratch/runs").path == home / "scratch/runs/one/seed-0"
    assert not list(tmp_path.iterdir())

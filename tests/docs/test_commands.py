"""Every command of every page is run, in a small setting, or else read: the command and its options exist.

`pytest tests/docs -rP` lists those that are only read, and why.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet
from typer.main import get_command
from typer.testing import CliRunner

from benchmarks.__main__ import options as benchmark_options
from docs.generate.measure import PARTS
from docs.generate.measure import options as measure_options
from skiprun.cli.app import app
from skiprun.registry import CLAIMS, DATASETS
from skiprun.run import find_runs
from tests.support import ROOT
from tests.support.command_line import read, small, unknown_options
from tests.support.pages import PAGES, Command, commands, mentions, name_of

TRAINING = ("train", "compare")  # what they are given need not be there
RUN = r"(runs/|digits-|my-|cifar)[\w/.-]*|smoke|photos"
NOT_RUN = {
    "dashboard": "serves until it is stopped",
    "trajectory": "needs a run of three epochs, which takes a minute",
}
OURS: dict[str, Command] = {}  # by line, so that what several pages show is run once
for command in (each for page in PAGES for each in commands(page) if each.words[0] == "skiprun"):
    OURS.setdefault(command.line, command)


def why_only_read(words: list[str], folder: Path) -> str:
    """Return why a command is not run here; nothing where it is."""
    if words[1] in NOT_RUN:
        return NOT_RUN[words[1]]
    if "--to" in words:
        return "starts a tracker, which is tested apart from the network"
    if words[1] == "export" and not all(map(find_spec, ("onnxscript", "onnxruntime", "safetensors"))):
        return "needs the extra `export`"
    if "cuda" in words:
        return "needs a GPU"
    for name in words[2:]:
        if words[1] == "reproduce" and (
            name == "all" or (name in CLAIMS and CLAIMS[name].info.budget != "toy")
        ):
            return "takes minutes"
        if name.endswith(".yaml") and (folder / name).exists():
            dataset = yaml.safe_load((folder / name).read_text())["data"]["name"]
            if DATASETS[dataset].info.download or DATASETS[dataset].info.size is None:
                return f"needs the images of {dataset}"
        elif words[1] not in TRAINING and re.fullmatch(RUN, name) and name not in known_runs(folder):
            return f"needs the run {name}"
    return ""


def known_runs(folder: Path) -> set[str]:
    """Return what the runs of a folder may be called."""
    runs = find_runs(folder / "runs")
    return {name for run in runs for name in (f"runs/{run.name}", run.name, run.name.split("/")[0])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with the configs and the examples of the repository."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("configs", "examples"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def in_time(page: Path) -> ParameterSet:
    """Mark pages as slow whose commands have tests of their own."""
    slow = [pytest.mark.slow] if page.name in ("studies.md", "connections.md", "benchmarks.md") else []
    return pytest.param(page, id=name_of(page), marks=slow)


@pytest.mark.parametrize("command", OURS.values(), ids=str)
def test_commands_have_the_options_that_exist(command: Command) -> None:
    read(command.words)


@pytest.mark.parametrize("page", [in_time(page) for page in PAGES if commands(page)])
def test_commands_run_in_order(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    if name_of(page) != "README.md":  # a figure takes seconds; those of the first page are drawn
        monkeypatch.setattr("skiprun.reports.figures.draw", lambda groups: [])
    for command in (each for each in OURS.values() if each.page == page):
        if reason := why_only_read(command.words, folder):
            read(command.words)
            print(f"only read, {reason}: {command}")
            continue
        done = CliRunner().invoke(app, [*command.words[1:], *small(command.words)])
        assert done.exit_code == 0, f"{command}\n{done.output}\n{done.exception!r}"


def test_the_experiment_of_the_readme_is_among_them() -> None:
    assert "skiprun compare plain20 plain56 resnet56 --seeds 3" in OURS


PROGRAMS = (
    *("pip", "git", ".venv/bin/ruff", ".venv/bin/mypy", "check-jsonschema"),
    *("cat", "export", "mkdir", "split", "tar"),
)
OTHERS = [command for page in PAGES for command in commands(page) if command.words[0] != "skiprun"]


@pytest.mark.parametrize("command", OTHERS, ids=str)
def test_other_commands_name_what_exists(command: Command) -> None:
    match command.words:
        case ["make", *targets]:
            makefile = (ROOT / "Makefile").read_text()
            assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
        case ["python", "-m", "benchmarks", *arguments]:
            benchmark_options(arguments)
        case ["python", "-m", "docs.generate"]:
            assert (ROOT / "docs/generate/__main__.py").exists()
        case ["python", "-m", "docs.generate.measure", *arguments]:
            assert set(measure_options(arguments).parts) <= set(PARTS)
        case ["python" | ".venv/bin/python", "-m", module, *words]:
            assert find_spec(module)
            assert all((ROOT / word).exists() for word in words if "/" in word)
        case [program, *_]:
            assert program in PROGRAMS
    print(f"only read, not a command of skiprun: {command}")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_within_the_text_exist(page: Path) -> None:
    for command in mentions(page):
        assert unknown_options(command) == set(), command


def test_commands_of_the_table_exist() -> None:
    _, _, table = (ROOT / "README.md").read_text().partition("| command | does |\n|---|---|\n")
    spans = [re.findall(r"`([a-z_-]+)", row.split("|")[1]) for row in table.partition("\n\n")[0].splitlines()]
    named = {name for row in spans for name in row}
    application: Any = get_command(app)
    assert {"train", "compare", "resume"} <= named <= set(application.list_commands(None))


def test_what_does_not_exist_is_seen() -> None:
    assert unknown_options(Command(ROOT / "README.md", "skiprun train CONFIG --depth 3")) == {"--depth"}
    assert unknown_options(Command(ROOT / "README.md", "skiprun lesion RUN --draws 3")) == set()
    for line in (
        "skiprun trian x",
        "skiprun train x --depth 3",
        "skiprun compare x --seeds many",
        "skiprun train",
    ):
        with pytest.raises(Exception, match=r"(?i)no such|valid|missing"):
            read(line.split())

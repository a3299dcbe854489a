"""A study in a newcomer's own file, outside the package, has its command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.config_file import build_config
from skiprun.errors import BrokenPlugin
from skiprun.experiment import train
from skiprun.registry import PROBES, STUDIES
from skiprun.studies.base import StudyResult
from tests.support import ROOT

SOURCE = '''
from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from skiprun.registry import STUDIES
from skiprun.studies.base import Evaluate, StudyResult


@STUDIES.register("largest", paper="Newcomer 2026", example="my-run", look={"split": "val", "images": 16})
def largest(
    model: nn.Module,
    evaluate: Evaluate,
    *,
    top: Annotated[int, Field(ge=1, le=9)] = 2,
    kind: Literal["conv", "fc"] = "conv",
    layers: tuple[int, ...] = (0,),
    signed: bool = False,
) -> StudyResult:
    """Find the largest weights. Beside what the network scores.

    Args:
        model: a trained network.
        evaluate: model -> scores.
        top: how many of them in
            each layer.
        kind: of layers.
        layers: which of that kind.
        signed: by their value, not their size.
    """
    weights = [value.detach() for name, value in model.named_parameters() if kind in name and value.ndim > 1]
    values = [weights[layer].flatten() if signed else weights[layer].abs().flatten() for layer in layers]
    rows = [{"weight": float(weight)} for each in values for weight in each.topk(top).values]
    return StudyResult(rows, "They are large.", evaluate(model))
'''
CONFIG = {
    "name": "own",
    "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
    "data": {"name": "digits"},
    "schedule": {"epochs": 0.25},
    "compute": {"device": "cpu"},
    "log": {"tensorboard": False},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package of a newcomer, installed: a module, and the entry point that names it."""
    (tmp_path / "newcomer_study.py").write_text(SOURCE)
    installed = tmp_path / "newcomer-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: newcomer\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[skiprun.plugins]\nstudy = newcomer_study\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(STUDIES, "entries", dict(STUDIES.entries))
    yield tmp_path
    sys.modules.pop("newcomer_study", None)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})


def test_a_plug_in_is_listed_without_being_imported(project: Path) -> None:
    program = "import atexit, sys; sys.argv = ['skiprun', '--help']\n"
    program += "atexit.register(lambda: print(*{'torch', 'newcomer_study'} & {*sys.modules}, 'END'))\n"
    program += "import skiprun.__main__"
    environment = os.environ | {"PYTHONPATH": str(project), "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "  largest          Find the largest weights.\n" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["END"]


def test_a_plug_in_has_the_options_of_its_function(project: Path) -> None:
    shown = " ".join(call("largest", "--help").output.split())
    assert "Find the largest weights. Beside what the network scores." in shown
    assert "Args" not in shown
    assert "--top <int range> How many of them in each layer. [default: 2; 1<=x<=9]" in shown
    assert "--kind conv|fc Of layers. [default: conv]" in shown
    assert "--layers VALUE,... Which of that kind. [default: 0]" in shown
    assert "--signed By their value, not their size." in shown
    assert "--split train|val|test Which part of the data. [default: val]" in shown
    assert "[default: 16; x>=1]" in shown and "--batches" not in shown
    assert "--fresh" not in shown and "--jobs" not in shown
    assert shown.endswith("Example: skiprun largest my-run")


def test_a_plug_in_whose_types_its_source_does_not_tell_has_the_same_help(project: Path) -> None:
    plain = call("largest", "--help").output
    own = SOURCE.replace("top: Annotated[int, Field(ge=1, le=9)]", "top: Top")
    own = own.replace("@STUDIES", "Top = Annotated[int, Field(ge=1, le=9)]\n\n\n@STUDIES")
    (project / "newcomer_study.py").write_text(own)
    assert call("largest", "--help").output == plain and "newcomer_study" in sys.modules


def test_a_misspelled_fact_of_a_plug_in_is_refused_with_those_that_there_are(project: Path) -> None:
    (project / "newcomer_study.py").write_text(SOURCE.replace("paper=", "papr="))
    with pytest.raises(TypeError, match=r"study 'largest': .* 'papr'.*; its facts may be summary, paper"):
        CliRunner().invoke(app, ["largest", "--help"], catch_exceptions=False)


def test_a_plug_in_studies_a_run(project: Path) -> None:
    run = train(build_config(CONFIG), runs=project / "runs")
    place = ["--runs", str(project / "runs")]
    done = call("largest", "own", "--top", "3", "--layers", "0,1", "--signed", "--json", *place)
    assert done.exit_code == 0, done.exception
    (document,) = json.loads(done.stdout)["networks"]
    assert document["options"] == {"top": 3, "kind": "conv", "layers": [0, 1], "signed": True}
    assert len(document["rows"]) == 6
    assert document["look"]["images"] == 16 and document["subjects"][0]["data"] == "digits, val split"
    assert json.loads((run.studies / "largest.json").read_text())["verdict"] == (
        "They are large. All images are of val, not of test."
    )
    assert call("largest", "own", "--top", "0", *place).exit_code == 2
    assert "valid integer" in str(call("largest", "own", "--layers", "first", *place).exception)
    assert "own" in str(call("largest", "owm", *place).exception)


@pytest.mark.parametrize(
    ("module", "source", "why"),
    [
        ("newcomer_study", "def (:", "SyntaxError: invalid syntax"),
        ("newcomer_study", "import there_is_none", "ModuleNotFoundError: No module named 'there_is_none'"),
        ("newcomer_gone", "", "ModuleNotFoundError: No module named 'newcomer_gone'"),
        ("newcomer_gone.study", "", "ModuleNotFoundError: No module named 'newcomer_gone'"),
    ],
)
def test_a_broken_plug_in_is_refused_by_name_and_the_help_lists_the_rest(
    module: str, source: str, why: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "newcomer_study.py").write_text(source)
    (project / "newcomer-1.0.dist-info" / "entry_points.txt").write_text(
        f"[skiprun.plugins]\nstudy = {module}\n"
    )
    assert "\n  lesion " in call("--help").stdout
    monkeypatch.setattr(PROBES, "filled", False)
    for _ in range(2):  # when it is asked for again, too
        with pytest.raises(
            BrokenPlugin, match=rf"^Plug-in {module} cannot be imported \({why}.*\. Mend it, or uninstall"
        ):
            PROBES.names()


def test_a_plug_in_that_cannot_be_read_is_told_with_the_commands(project: Path) -> None:
    (project / "newcomer_study.py").write_text("def (:")
    done = subprocess.run(
        [sys.executable, "-m", "skiprun", "--help"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Example: skiprun compare" in done.stdout
    assert done.stderr.startswith("Plug-in newcomer_study cannot be imported (SyntaxError: invalid syntax")
    assert done.stderr.count("\n") == 1


def test_studies_that_an_imported_plug_in_registers_in_a_loop_have_their_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(STUDIES, "entries", dict(STUDIES.entries))

    def count(*, steps: int = 3) -> StudyResult:
        """Count steps."""
        return StudyResult([{"steps": steps}], "They are counted.", {})

    for name in ("count_up", "count_down"):
        STUDIES.register(name)(count)
    assert "  count_up         Count steps.\n  count_down       Count steps.\n" in call("--help").stdout
    assert "--steps <int>" in call("count_down", "--help").stdout

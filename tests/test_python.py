"""The verbs in Python: what commands do, with the same errors, silent, and shown where somebody asks."""

from __future__ import annotations

import ast
import importlib
import inspect
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import skiprun
from skiprun.claims.comparison import compare_runs
from skiprun.config_file import override_texts
from skiprun.display.notebook import NotebookBoard
from skiprun.errors import ConfigError, InputError, OptionError, UnknownName
from skiprun.experiment.comparison_request import ComparisonRequest
from skiprun.experiment.named import config_of
from skiprun.run import Run
from tests.support import ROOT
from tests.support.fake_runs import write_trio
from tests.support.pages import blocks

SMALL = {
    "schedule": {"epochs": 0.2, "warmup": 0},
    "model.width": 4,
    "log.tensorboard": False,
    "compute.compile": "off",
}
VERBS = ["compare", "evaluate", "export", "predict", "reproduce", "runs", "study", "train"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Run:
    return skiprun.train("resnet20", overrides=SMALL, runs=folder)


def test_importing_skiprun_imports_nothing_else() -> None:
    program = "import sys; before = set(sys.modules); import skiprun; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "rich", "pydantic", "yaml", "matplotlib"} & set(done.stdout.split())


def test_editors_and_mypy_know_every_name() -> None:
    tree = ast.parse((ROOT / "skiprun" / "__init__.py").read_text())
    known = {
        alias.asname for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert known - {None} == set(skiprun._HOMES) and set(skiprun._HOMES) <= set(dir(skiprun))


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_documented_with_an_example_and_all_of_its_arguments(verb: str) -> None:
    function = getattr(skiprun, verb)
    assert f"skiprun.{verb}(" in function.__doc__ and "Args:" in function.__doc__
    for name in function.__annotations__.keys() - {"return"}:
        assert f"{name}:" in function.__doc__, name


def test_the_page_calls_what_exists_by_its_arguments() -> None:
    text = "\n".join(text for kind, text in blocks(ROOT / "docs" / "python.md") if kind == "python")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    verbs = [call for call in calls if ast.unparse(call.func).startswith("skiprun.")]
    for call in verbs:
        function = getattr(skiprun, call.func.attr)  # type: ignore[attr-defined]
        inspect.signature(function).bind(*call.args, **{str(each.arg): each.value for each in call.keywords})
    assert {ast.unparse(call.func) for call in verbs} == {f"skiprun.{verb}" for verb in VERBS}


@pytest.mark.parametrize(
    "overrides",
    [{"optim.lr": 1e-5}, {"optim": {"lr": 1e-5}}, ["optim.lr=1e-5"], {"optim.lr": np.float64(1e-5)}],
)
def test_overrides_are_laid_over_what_a_config_says(overrides: Any) -> None:
    config = config_of("resnet20", overrides)
    assert config.optim.lr == 1e-5 and config.optim.momentum == 0.9


def test_what_is_given_is_not_changed() -> None:
    given = {
        "name": "own",
        "model": {"name": "resnet20"},
        "data": {"name": "digits"},
        "schedule": {"epochs": 1},
    }
    assert config_of(given, {"model.width": 4, "schedule.epochs": 2}).model.width == 4
    assert given["model"] == {"name": "resnet20"} and given["schedule"] == {"epochs": 1}
    assert config_of(config_of(given), {"seed": 3}).seed == 3


def changed(overrides: dict[str, object]) -> Run:
    return skiprun.train("resnet20", overrides=overrides)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: skiprun.train("resnet2O"), UnknownName, "Did you mean 'resnet20'"),
        (lambda: skiprun.train("none.yaml"), InputError, "there is no such file"),
        (
            lambda: skiprun.train("resnet20", overrides={"optim.lrr": 1}),
            ConfigError,
            "overrides optim.lrr: unk",
        ),
        (
            lambda: skiprun.train("resnet20", overrides={"optim.lr": "x"}),
            ConfigError,
            "overrides optim.lr: found",
        ),
        (
            lambda: skiprun.train("resnet20", overrides={"optim.lr": open}),
            InputError,
            "a number, a text or a l",
        ),
        (lambda: skiprun.train({"model": {"name": "resnet20"}}), ConfigError, "config data: missing"),
        (lambda: skiprun.compare("resnet20"), InputError, "names is 'resnet20'; it must be a list"),
        (lambda: skiprun.study("leson"), UnknownName, "Did you mean 'lesion'.*skiprun studies"),
        (lambda: skiprun.study("lesion"), InputError, "'lesion' looks at networks; name some"),
        (lambda: skiprun.study("path_lengths", "resnet20"), InputError, "'path_lengths' looks at none"),
        (lambda: skiprun.study("path_lengths", bloks=3), OptionError, "Did you mean 'blocks'"),
        (lambda: skiprun.reproduce(["degradatio"]), UnknownName, "Did you mean 'degradation'"),
        (lambda: skiprun.evaluate("w.pt", model="resnet20"), InputError, "needs model and data"),
        (lambda: skiprun.evaluate("no-run"), InputError, "no-run is no run directory"),
        (lambda: skiprun.predict("no-run", "a.png"), InputError, "no-run is no run directory"),
    ],
)
def test_errors_are_those_of_the_command_line(
    call: Callable[[], object],
    error: type[Exception],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        call()
    assert not [*tmp_path.iterdir()]


def test_a_run_has_its_log_as_columns(trained: Run) -> None:
    columns = trained.columns()
    assert {len(column) for column in columns.values()} == {len(trained.metrics())}
    assert columns["step"] == [row["step"] for row in trained.metrics()]
    assert math.isnan(columns["test/error"][0]) and columns["test/error"][-1] >= 0


def test_a_frame_needs_pandas_and_says_so(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InputError, match="pip install pandas"):
        trained.frame()


def test_nothing_is_printed_unless_it_is_asked_for(
    folder: Path, trained: Run, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also not by what takes long: training, studies."""
    skiprun.train("plain20", overrides=SMALL, runs=folder)
    skiprun.study("path_lengths", blocks=3, runs=folder)
    assert capfd.readouterr() == ("", "")
    skiprun.train("plain20", overrides={**SMALL, "seed": 1}, runs=folder, progress=True)
    told = capfd.readouterr()
    assert told.out == "" and "digits-plain20 seed 1: epoch 0.197989 step 4/4" in told.err


def test_a_comparison_shows_table_verdict_and_figures(tmp_path: Path) -> None:
    compared = compare_runs(write_trio(tmp_path))
    html = compared._repr_html_()
    assert html and html.count("<table>") == 1 and html.count("<svg") == 3
    assert compared.groups[0].label in html and "Degradation was seen" in html
    columns = compared.columns()
    assert columns["network"][0] == compared.groups[0].label and columns["seed"][:3] == [0, 1, 2]
    assert columns["test.error"][0] == compared.groups[0].runs[0].number("test.error")


def test_runs_themselves_are_compared(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ComparisonRequest] = []
    module = importlib.import_module("skiprun.experiment.compare")
    monkeypatch.setattr(module, "run_comparison", lambda request, *_: asked.append(request))
    skiprun.compare([trained, "plain20"], overrides={"optim": {"lr": 0.05}}, seeds=2)
    assert [*asked[0].names] == [str(trained.path), "plain20"] and [*asked[0].overrides] == ["optim.lr=0.05"]


def test_a_run_shows_its_state_and_its_curves(trained: Run) -> None:
    html = trained._repr_html_()
    assert html and html.count("<svg") == 2
    assert "finished" in html and f"{trained.summary()['test']['error']:.2f} %" in html


def test_a_study_is_made_as_by_its_command(folder: Path, trained: Run) -> None:
    found = skiprun.study("lesion", trained, runs=folder, images=16, draws=1)
    assert found.documents[0]["look"]["split"] == "test" and found.documents[0]["options"]["draws"] == 1
    assert all(file.exists() for file in found.figures) and len(found.verdicts) == 1
    assert set(found.columns()["network"]) == {"digits-resnet20"}
    assert found._repr_html_().count("<svg") == len(found.figures)


def test_runs_are_found_by_conditions(folder: Path, trained: Run) -> None:
    listing = skiprun.runs(["digits-resnet*", "state=finished"], runs=folder, whole=True)
    assert [run.path for run in listing.runs] == [trained.path]
    assert listing.columns()["model.width"] == [4]
    assert "digits-resnet20/seed-0" in (listing._repr_html_() or "")


def test_images_are_labelled_by_name_of_the_run(folder: Path, trained: Run, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    (found,) = skiprun.predict("digits-resnet20", tmp_path / "a.png", runs=folder, top=2)
    assert found["label"] in map(str, range(10)) and len(found["top"]) == 2
    with pytest.raises(InputError, match="overlay=True in Python"):
        skiprun.predict(trained, [tmp_path / "a.png"], overlay=True)


def test_a_file_of_weights_is_scored_by_names(folder: Path, trained: Run) -> None:
    file, model = trained.checkpoints / "best.pt", "resnet20:width=4,shortcut=A"
    scored = skiprun.evaluate(file, "digits", "val", model=model, runs=folder)
    assert scored["error"] == pytest.approx(skiprun.evaluate(trained, split="val")["error"])


def test_progress_in_a_notebook_is_one_table_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython import display

    pictures: list[str] = []

    class Handle:
        def update(self, html: Any) -> None:
            pictures.append(html.data)

    def show(html: Any, display_id: bool) -> Handle:
        pictures.append(html.data)
        return Handle()

    monkeypatch.setattr(display, "display", show)
    with NotebookBoard() as board:
        row = board.row("resnet20 <b> seed 0")
        board.row("waits")
        row.step(5, 10)
        row.epoch({"step": 5, "epoch": 1, "val/error": 12.5, "time/images_per_s": 100.0})
        row.step(10, 10)
    assert len(pictures) == 2, "one at once, and one in the end"
    assert 'value="10" max="10"' in pictures[-1] and "val error 12.5 %" in pictures[-1]
    assert "<b>" not in pictures[-1] and "waits" not in pictures[-1]


def test_overrides_of_texts_stay_texts() -> None:
    assert override_texts({"a": {"b": [1, 2], "c": {}}, "d": Path("x")}) == ["a.b=[1, 2]", "a.c={}", 'd="x"']

"""`skiprun export`: files of a run, checked before they are there, and loaded again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch

from skiprun.data import load_data
from skiprun.errors import DataNotFound, InputError, SkiprunError
from skiprun.experiment import evaluate, export, load_model, train
from skiprun.models.weights.weight_file import read_weight_file
from skiprun.run import Run
from tests.support import ROOT
from tests.support.command_line import run_here
from tests.support.pages import blocks
from tests.support.tiny import tiny_config


def digits(name: str, **model: Any) -> Any:
    return tiny_config(
        name=name,
        model={"name": "resnet_cifar", "depth": 8, "width": 4, **model},
        data={"name": "digits", "batch_size": 64},
        schedule={"kind": "constant", "steps": 10},
        optim={"ema": 0.5},
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(digits("tiny"), runs=tmp_path_factory.mktemp("home") / "runs")


def test_a_file_of_weights_begins_another_run_as_the_run_itself_does(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    files = {"safetensors": tmp_path / "new" / "w.safetensors", "state-dict": tmp_path / "w.pt"}
    written = export(run, files)
    assert [each.max_difference for each in written] == [0, 0] and written[0].checked == 16
    own = load_model(run).state_dict()  # the average of the weights, which is what was evaluated
    for file in files.values():
        state = read_weight_file(file).state
        assert state.keys() == own.keys() and all(torch.equal(state[name], own[name]) for name in own)
    begun = [
        train(digits(f"from-{n}", weights=str(weights), shortcut="A"), runs=tmp_path / "runs")
        for n, weights in enumerate((*files.values(), run.path))
    ]
    assert len({json.dumps(each.summary()["test"]) for each in begun}) == 1


@pytest.mark.parametrize("form", ["state-dict", "safetensors"])
def test_a_file_says_itself_on_which_side_option_a_pads(form: str, run: Run, tmp_path: Path) -> None:
    if form == "safetensors":
        pytest.importorskip("safetensors")
    export(run, {form: tmp_path / "w"})
    scored = ["evaluate", "w", "--data", "digits", "--json", "--model", "resnet_cifar:depth=8,width=4"]
    shown = run_here(*scored, folder=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["error"] == run.summary()["test"]["error"]
    refused = run_here(*scored[:-1], f"{scored[-1]},shortcut=A_both", folder=tmp_path)
    assert (
        refused.returncode == 2 and "trained with model.shortcut=A, and here it is A_both" in refused.stderr
    )


def test_the_metadata_say_how_to_use_it(run: Run, tmp_path: Path) -> None:
    export(run, {"state-dict": tmp_path / "w.pt"})
    facts = torch.load(tmp_path / "w.pt", weights_only=True)["metadata"]
    data = run.summary()["data"]
    assert json.loads(facts["classes"]) == data["class_names"]
    assert json.loads(facts["input_shape"]) == ["batch", 1, 8, 8]
    assert json.loads(facts["mean"]) == data["mean"] and json.loads(facts["std"]) == data["std"]
    assert json.loads(facts["model"])["width"] == 4
    assert facts["run"] == "tiny/seed-0" and json.loads(facts["test"]) == run.summary()["test"]


def test_a_file_that_computes_something_else_is_not_written(run: Run, tmp_path: Path) -> None:
    from skiprun.models.export import weight_files

    halved = mock.patch.object(
        weight_files,
        "state_of",
        lambda model: {name: tensor.half().float() for name, tensor in model.state_dict().items()},
    )
    with halved, pytest.raises(SkiprunError, match="was not written: as state dict, it computes"):
        export(run, {"state-dict": tmp_path / "w.pt"})
    assert not list(tmp_path.iterdir())


def test_without_its_data_it_is_checked_on_noise_and_says_so(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with mock.patch.object(
        export_module(), "rebuild", side_effect=DataNotFound("digits", Path("there"), "Get it.")
    ):
        assert export(run, {"state-dict": tmp_path / "w.pt"})[0].max_difference == 0
    assert "Checked on noise" in caplog.text


def export_module() -> Any:
    import importlib

    return importlib.import_module("skiprun.experiment.exporter")


def test_the_command_writes_a_table_and_replaces_nothing(run: Run) -> None:
    home = run.root.parent
    written = run_here("export", "tiny", "--state-dict", "w.pt", "--json", folder=home)
    document = json.loads(written.stdout)[0]
    assert (document["format"], document["file"], document["max_difference"]) == ("state dict", "w.pt", 0)
    assert document["bytes"] == (home / "w.pt").stat().st_size
    again = run_here("export", "tiny", "--state-dict", "w.pt", folder=home)
    assert again.returncode == 2 and "--overwrite" in again.stderr
    assert run_here("export", "tiny", "--state-dict", "w.pt", "--overwrite", folder=home).returncode == 0
    nothing = run_here("export", "tiny", folder=home)
    assert nothing.returncode == 2 and "--onnx FILE" in nothing.stderr


def test_two_formats_need_two_files_and_names_that_there_are(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one file"):
        export(run, {"pt2": tmp_path / "a", "state-dict": tmp_path / "a"})
    with pytest.raises(InputError, match="No format is called 'tflite'"):
        export(run, {"tflite": tmp_path / "a"})
    with pytest.raises(InputError, match="is a folder"):
        export(run, {"state-dict": tmp_path})


@pytest.mark.slow
def test_the_example_of_the_page_gives_the_scores_of_the_run(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("onnxruntime", "onnxscript"):
        pytest.importorskip(package, reason="pip install 'skiprun[export]'")
    monkeypatch.chdir(tmp_path)
    assert export(run, {"onnx": "smoke.onnx"})[0].max_difference < 1e-5
    test = load_data(run.config.data, torch.device("cpu")).test
    pixels, labels = (each.numpy() for each in test.take(torch.arange(len(test))))
    names: dict[str, Any] = {"pixels": pixels}
    for kind, text in blocks(ROOT / "docs" / "after_training.md"):
        if kind == "python":
            exec(text, names)
    error = 100 * (names["logits"].argmax(1) != labels).mean()
    assert error == pytest.approx(evaluate(run, split="test")["error"])

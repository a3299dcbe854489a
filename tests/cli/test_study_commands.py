"""Studies from names to documents, figures and tables; a stopped one leaves only what it goes on from."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.cli.study_source import declared_study
from skiprun.config_file import build_config
from skiprun.errors import InputError, OptionError, SkiprunError, UnknownName
from skiprun.experiment import train
from skiprun.experiment.study_runner.name_variants import name_variants
from skiprun.experiment.study_runner.retrain import weight_trajectory
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import StudyRequest, run_study, study_options
from skiprun.experiment.study_runner.study_inputs import StudyInputs
from skiprun.experiment.study_runner.study_record import summary_of
from skiprun.experiment.study_runner.study_targets import find_targets, find_trained
from skiprun.registry import STUDIES
from skiprun.registry.declarations import declarations
from skiprun.run import Run
from skiprun.studies.signature import needs, options
from skiprun.system.argument_docs import argument_docs
from skiprun.training.checkpoint_file import load
from tests.support import ROOT

COMMANDS = ["gradflow", "shatter", "lesion", "paths", "landscape", "truncate", "similarity", "reuse"]
# What keeps a study of a small run short.
BRIEF = {
    "lesion": ["--draws", "1"],
    "paths": ["--draws", "1", "--batches", "1"],
    "landscape": ["--steps", "3", "--images", "32", "--jobs", "1"],
    "truncate": [],
}


def small_run(runs: Path, model: dict[str, Any], name: str, split: int = 0, epochs: float = 0.25) -> Run:
    """Train a narrow network on the digits."""
    plain = {
        "name": name,
        "model": model,
        "seeds": {"split": split},
        "data": {"name": "digits", "batch_size": 32},
        "optim": {"clip_norm": 1.0},
        "schedule": {"epochs": epochs},
        "compute": {"precision": "fp32", "device": "cpu"},
        "log": {"tensorboard": False},
    }
    return train(build_config(plain), runs=runs)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain, a residual and a densely connected run in it."""
    folder = tmp_path_factory.mktemp("trained") / "runs"
    for name in ("plain_cifar", "resnet_cifar"):
        small_run(folder, {"name": name, "depth": 8, "width": 4}, f"digits-{name}")
    small_run(folder, {"name": "densenet_cifar", "depth": 10, "options": {"growth": 4}}, "digits-densenet")
    return folder


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"})


def refused(*arguments: str) -> str:
    """Return the message of an error for people."""
    result = call(*arguments)
    if isinstance(result.exception, SkiprunError):
        assert result.exception.exit_code == 2
        return str(result.exception)
    assert result.exit_code == 2, result.exception
    return result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_fits_80_columns(command: str) -> None:
    shown = call(command, "--help").output
    assert f"Example: skiprun {command}" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_gradflow_needs_names_only(tmp_path: Path) -> None:
    done = call(
        "gradflow", "plain20", "resnet20", "--batches", "1", "--seeds", "1", "--runs", str(tmp_path), "--json"
    )
    document = json.loads(done.stdout)
    plain, residual = document["networks"]
    assert (plain["label"], residual["label"]) == ("plain20", "resnet20")
    assert plain["facts"]["actgrad_first_over_last"] > 2 * residual["facts"]["actgrad_first_over_last"]
    assert plain["subjects"][0]["data"] == "digits, train split"
    assert plain["run"] is None
    assert len(document["figures"]) == 3
    assert all(Path(file).stat().st_size > 10_000 for file in document["figures"])
    assert [path.name for path in tmp_path.iterdir()] == ["studies"]


def test_gradflow_crosses_depths_connections_and_norms(tmp_path: Path) -> None:
    axes = ["--depths", "8,14", "--connections", "none,add", "--norms", "batch,none"]
    brief = ["--batches", "1", "--batch-size", "8", "--seeds", "1", "--runs", str(tmp_path), "--json"]
    networks = json.loads(call("gradflow", *axes, *brief).stdout)["networks"]
    assert len(networks) == 8
    assert networks[1]["label"] == "resnet_cifar depth 8, connection none, norm none"
    assert networks[1]["subjects"][0]["model"] == {
        "name": "resnet_cifar",
        "connection": "none",
        "depth": 8,
        "norm": "none",
    }


def test_names_cross_with_what_is_given_and_stay_without_it() -> None:
    assert name_variants(["a", "b"]) == ["a", "b"]
    assert name_variants(["a"], norms=["batch", "none"]) == ["a:norm=batch", "a:norm=none"]
    assert name_variants(["a:stem=small"], [20]) == ["a:stem=small,depth=20"]
    assert name_variants([], [20], ["add"]) == ["resnet_cifar:depth=20,connection=add"]
    with pytest.raises(InputError, match="Name an architecture"):
        name_variants([])


def test_networks_for_large_images_see_random_ones_of_their_size(tmp_path: Path) -> None:
    large, small = find_targets(["resnet50", "resnet50:stem=small"], tmp_path)
    assert (large.shape, small.shape) == ((3, 224, 224), None)
    (chosen,) = find_targets(["resnet50"], tmp_path, overrides=["data.name=cifar10"])
    assert chosen.shape is None
    (given,) = find_targets(["resnet20"], tmp_path, shape=(3, 16, 16))
    inputs = StudyInputs(given, SampleSelection(batches=2, batch_size=4))
    assert [images.shape for images, _ in inputs.batches] == [(4, 3, 16, 16)] * 2
    assert summary_of(inputs) == "initial weights, random normal images of 3x16x16, on cpu."


def test_seeds_are_networks_of_their_own_and_those_that_training_starts_from(tmp_path: Path) -> None:
    (subject,) = find_targets(["resnet20"], tmp_path, seeds=2)
    one, other = StudyInputs(subject, SampleSelection()).models
    assert not torch.equal(one.state_dict()["fc.weight"], other.state_dict()["fc.weight"])
    again, _ = StudyInputs(subject, SampleSelection()).models
    assert torch.equal(one.state_dict()["fc.weight"], again.state_dict()["fc.weight"])


@pytest.mark.parametrize("command", BRIEF)
def test_a_study_of_a_run_is_written_beside_it_and_changes_nothing_else(command: str, runs: Path) -> None:
    run = runs / "digits-resnet_cifar" / "seed-0"
    before = {
        path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.parent.name != "studies"
    }
    done = call(command, "digits-resnet_cifar", *BRIEF[command], "--runs", str(runs))
    assert done.exit_code == 0, done.exception
    document = json.loads((run / "studies" / f"{command}.json").read_text())
    assert document["rows"] and document["figures"]
    assert document["verdict"] in " ".join(done.stdout.split())
    assert list((run / "studies").glob(f"{command}-*.png"))
    assert {path: path.read_bytes() for path in before} == before


def test_several_runs_are_overlaid_in_one_place(runs: Path) -> None:
    names = ["digits-plain_cifar", "digits-resnet_cifar"]
    done = call("lesion", *names, "--draws", "1", "--runs", str(runs), "--json")
    folder = runs / "studies" / "lesion-digits-plain_cifar-digits-resnet_cifar"
    assert json.loads(done.stdout)["networks"] == json.loads((folder / "lesion.json").read_text())
    assert (folder / "lesion-one-block-deleted.png").exists()
    assert all((runs / name / "seed-0/studies/lesion.json").exists() for name in names)


def test_similarity_compares_two_runs_on_the_same_data(runs: Path) -> None:
    names = ["digits-plain_cifar", "digits-resnet_cifar"]
    done = call("similarity", *names, "--batches", "1", "--runs", str(runs), "--json")
    (document,) = json.loads(done.stdout)["networks"]
    assert document["label"] == "digits-plain_cifar and digits-resnet_cifar"
    assert (runs / "digits-plain_cifar/seed-0/studies/similarity-digits-resnet_cifar.json").exists()
    with pytest.raises(InputError, match="compares two networks; found 1"):
        run_study(StudyRequest("similarity", find_trained(names[:1], runs)))


def test_similarity_refuses_runs_on_other_data(runs: Path, tmp_path: Path) -> None:
    small_run(tmp_path, {"name": "resnet_cifar", "depth": 8, "width": 4}, "elsewhere", split=1)
    pair = [*find_trained(["digits-resnet_cifar"], runs), *find_trained(["elsewhere"], tmp_path)]
    with pytest.raises(InputError, match="not trained on the same data"):
        run_study(StudyRequest("similarity", pair))


def test_reuse_draws_dense_blocks_and_refuses_other_networks(runs: Path) -> None:
    done = call("reuse", "digits-densenet", "--runs", str(runs))
    assert done.exit_code == 0, done.exception
    assert list((runs / "digits-densenet/seed-0/studies").glob("reuse-*.png"))
    assert "dense blocks" in refused("reuse", "digits-resnet_cifar", "--runs", str(runs))


def test_weights_of_a_run_are_the_best_the_last_or_the_initial_ones(runs: Path) -> None:
    (subject,) = find_trained(["digits-resnet_cifar"], runs)
    best, last, initial = (
        StudyInputs(subject, SampleSelection(weights=which)).model for which in ("best", "last", "initial")
    )
    run = subject.runs[0]
    assert torch.equal(
        best.state_dict()["fc.weight"], load(run.checkpoints / "best.pt")["model"]["fc.weight"]
    )
    assert torch.equal(
        last.state_dict()["fc.weight"], load(run.checkpoints / "last.pt")["model"]["fc.weight"]
    )
    assert not torch.equal(initial.state_dict()["fc.weight"], best.state_dict()["fc.weight"])


def test_a_run_trained_again_ends_with_the_same_bits(runs: Path) -> None:
    run = Run(runs / "digits-resnet_cifar" / "seed-0")
    states = weight_trajectory(run.config)
    last = load(run.checkpoints / "last.pt")["model"]
    assert len(states) == 2  # before the first step, and after the only epoch
    assert all(torch.equal(states[-1][name], value) for name, value in last.items())
    assert not torch.equal(states[0]["fc.weight"], last["fc.weight"])


class Halt:
    """Interrupts a study at its n-th row."""

    def __init__(self, at: int) -> None:
        self.at, self.told = at, 0

    def __call__(self, row: Mapping[str, object], total: int) -> None:
        self.told += 1
        if self.told == self.at:
            raise KeyboardInterrupt


def test_an_interrupted_landscape_continues_where_it_stopped(
    runs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    subjects, look = find_trained(["digits-plain_cifar"], runs), SampleSelection("train", 32)
    options = {"steps": 3}
    (whole,) = run_study(StudyRequest("landscape", subjects, look, options), fresh=True)
    partial = subjects[0].runs[0].studies / "landscape.partial.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_study(StudyRequest("landscape", subjects, look, options), lambda label, done: Halt(4), fresh=True)
    assert len(partial.read_text().splitlines()) == 5  # what it is, and four rows
    begun: list[int] = []
    counted = Halt(100)

    def listen(label: str, done: int) -> Halt:
        begun.append(done)
        return counted

    (continued,) = run_study(StudyRequest("landscape", subjects, look, options), listen)
    assert (begun, counted.told) == ([4], 5)
    assert not partial.exists()
    assert continued["rows"] == whole["rows"]
    (shown,) = run_study(StudyRequest("landscape", subjects, look, options), listen)
    assert shown["rows"] == whole["rows"] and counted.told == 5
    assert any("finished already" in message for message in caplog.messages)


@pytest.mark.parametrize("name", ["landscape.json", "landscape.partial.jsonl"])
def test_damaged_results_are_measured_again(name: str, runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    subjects = find_trained(["digits-plain_cifar"], runs)
    request = StudyRequest("landscape", subjects, SampleSelection("train", 32), {"steps": 3})
    (whole,) = run_study(request, fresh=True)
    file = subjects[0].runs[0].studies / name
    if "partial" in name:
        with pytest.raises(KeyboardInterrupt):
            run_study(request, lambda label, done: Halt(4), fresh=True)
    text, loss = file.read_text(), repr(whole["rows"][1]["loss"])
    assert text.count(loss) == 1
    file.write_text(text.replace(loss, "0.001"))
    counted = Halt(100)
    (again,) = run_study(request, lambda label, done: counted)
    assert again["rows"] == whole["rows"]
    assert counted.told == (8 if "partial" in name else 9)
    assert ("damaged, its checksum does not match" in caplog.text) == ("partial" not in name)


def test_rows_of_another_landscape_are_not_taken_over(runs: Path) -> None:
    subjects = find_trained(["digits-plain_cifar"], runs)
    with pytest.raises(KeyboardInterrupt):
        run_study(
            StudyRequest("landscape", subjects, SampleSelection("train", 32), {"steps": 3}),
            lambda label, done: Halt(2),
            fresh=True,
        )
    begun: list[int] = []

    def listen(label: str, done: int) -> Halt:
        begun.append(done)
        return Halt(100)

    run_study(StudyRequest("landscape", subjects, SampleSelection("train", 16), {"steps": 3}), listen)
    run_study(
        StudyRequest("landscape", subjects, SampleSelection("train", 16), {"steps": 3, "seed": 1}), listen
    )
    run_study(
        StudyRequest(
            "landscape", subjects, SampleSelection("train", 16, weights="initial"), {"steps": 3, "seed": 1}
        ),
        listen,
    )
    assert begun == [0, 0, 0]


def test_names_and_options_that_do_not_exist_are_refused_with_the_nearest(runs: Path) -> None:
    assert "Did you mean 'digits-plain_cifar'?" in refused("lesion", "plain_cifar", "--runs", str(runs))
    assert "Did you mean 'resnet56'?" in refused("gradflow", "resnet57")
    assert "whole numbers" in refused("gradflow", "--depths", "20;56")
    assert "draws" in refused(
        "studies", "run", "lesion", "digits-plain_cifar", "--option", "drwas=1", "--runs", str(runs)
    )
    with pytest.raises(UnknownName, match="Did you mean 'lesion'"):
        run_study(StudyRequest("lesoin", []))
    with pytest.raises(OptionError, match="side: found 'both'"):
        study_options(STUDIES["lesion"], {"side": "both"})
    assert study_options(STUDIES["shatter_depth"], {"depths": [2]})["depths"] == (2,)


def test_studies_are_listed_and_any_can_be_run(runs: Path) -> None:
    listed = json.loads(call("studies", "--json").stdout)
    assert {"lesion", "gradflow", "landscape"} <= {row["name"] for row in listed}
    done = call(
        "studies", "run", "lesion", "digits-plain_cifar", "--option", "draws=1", "--runs", str(runs), "--json"
    )
    assert json.loads(done.stdout)["networks"][0]["options"]["draws"] == 1


def test_a_landscape_with_its_trajectory_is_one_document(runs: Path) -> None:
    small_run(runs, {"name": "resnet_cifar", "depth": 8, "width": 4}, "digits-longer", epochs=3)
    brief = ["--steps", "3", "--images", "32", "--jobs", "1", "--trajectory", "--runs", str(runs), "--json"]
    first, second = json.loads(call("landscape", "digits-longer", *brief).stdout)
    assert (first["study"], second["study"]) == ("landscape", "trajectory")
    assert sum(row["what"] == "way" for row in second["networks"][0]["rows"]) == 4


def ends(session: int) -> bool:
    """Tell whether all processes of a session end soon; Python's tracker of shared memory takes a moment."""
    for _ in range(100):
        try:
            os.killpg(session, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_study_and_its_processes_in_order(number: int, code: int, runs: Path) -> None:
    run = Run(runs / "digits-resnet_cifar" / "seed-0")
    weights, partial = (run.checkpoints / "best.pt").read_bytes(), run.studies / "landscape.partial.jsonl"
    partial.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "skiprun",
        "landscape",
        str(run.path),
        "--steps",
        "101",
        "--jobs",
        "2",
        "--fresh",
    ]
    process = subprocess.Popen(
        [*command, "--runs", str(runs)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not (partial.exists() and len(partial.read_text().splitlines()) > 3):
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert out == "" and "Traceback" not in err
    assert "The same command" in err
    assert ends(process.pid)
    assert (run.checkpoints / "best.pt").read_bytes() == weights
    assert partial.exists() and not (run.studies / "landscape.json").exists()


@pytest.mark.parametrize("name", declarations(STUDIES))
def test_the_source_of_a_study_declares_what_its_function_takes(name: str) -> None:
    declared, real = declared_study(name, declarations(STUDIES)[name]), STUDIES[name]
    for read in (needs, options, argument_docs):
        assert read(declared.target) == read(real.target)
    for each in options(real.target):
        hints = (get_type_hints(study.target, include_extras=True)[each] for study in (declared, real))
        assert len({str(hint) for hint in hints}) == 1
    assert declared.summary == real.summary and declared.info == replace(real.info, figures=())

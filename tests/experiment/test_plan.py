"""A comparison reads what it did not train, and two experiments never share a run or a page."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.errors import ConfigError, InputError, RunBusy, RunTaken
from skiprun.experiment import ComparisonRequest, experiment_digest, plan_comparison, train_missing
from skiprun.experiment.study_runner.study_targets import find_targets
from skiprun.run import Run
from tests.support.fake_runs import write_run

TINY = {
    "model": {"name": "resnet_cifar", "depth": 8, "width": 4},
    "schedule": {"steps": 2},
    "compute": {"device": "cpu"},
}
TINY |= {"data": {"name": "digits", "batch_size": 64}, "log": {"tensorboard": False}}


def tree(folder: Path) -> dict[str, Any]:
    """Return what lies in a folder, with its contents and times."""
    found = sorted(folder.rglob("*"))
    return {
        str(path): (path.stat().st_mtime_ns, path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest())
        for path in found
        if "comparisons" not in path.parts
    }


def compare(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["compare", *arguments])


def write_yaml(path: Path, **sections: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(TINY | sections))
    return str(path)


def half_written(run: Run) -> Path:
    """Leave what a process that is writing has beside its files."""
    leftover = run.path / ".config.yaml.tmp"
    leftover.write_text("half")
    return leftover


def test_a_comparison_of_finished_runs_changes_nothing_in_them(tmp_path: Path) -> None:
    for name in ("one", "two"):
        half_written(write_run(tmp_path, name, model="plain20"))
    before = tree(tmp_path)
    assert compare("one", "two", "--runs", str(tmp_path)).exit_code == 0
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", ["one", "one/seed-0"])
def test_a_run_that_another_process_trains_is_left_alone_and_named(name: str, tmp_path: Path) -> None:
    write_run(tmp_path, "two", model="plain20")
    run = write_run(tmp_path, "one", model="plain20", state="unfinished")
    half_written(run)
    with run.lock():
        before = tree(tmp_path)
        shown = compare(name, "two", "--runs", str(tmp_path))
        assert tree(tmp_path) == before
    assert shown.exit_code == 0 and "Not compared: one/seed-0: is still running" in shown.stdout


def test_what_is_to_be_trained_but_busy_is_refused_before_the_first_step(tmp_path: Path) -> None:
    planned = plan_comparison(ComparisonRequest([write_yaml(tmp_path / "tiny.yaml")], runs=tmp_path / "runs"))
    with planned[0].run.lock(), pytest.raises(RunBusy, match="in use by process"):
        train_missing(planned, tmp_path / "runs")
    assert not planned[0].run.path.exists()


@pytest.mark.parametrize("state", ["finished", "stopped"])
def test_a_renamed_run_is_read_where_it_lies_and_has_no_ghost(state: str, tmp_path: Path) -> None:
    write_run(tmp_path, "old", model="plain20", state=state)
    (tmp_path / "old").rename(tmp_path / "new")
    before = tree(tmp_path)
    compare("new", "--runs", str(tmp_path))
    assert tree(tmp_path) == before and not (tmp_path / "old").exists()


def test_a_run_of_another_folder_is_read_there_and_not_trained_here(tmp_path: Path) -> None:
    theirs = write_run(tmp_path / "theirs", "one", model="plain20", state="stopped")
    (planned,) = plan_comparison(ComparisonRequest([str(theirs.path)], runs=tmp_path / "mine"))
    assert train_missing([planned], tmp_path / "mine")[0].path == theirs.path
    assert not (tmp_path / "mine").exists()


def test_an_unfinished_run_goes_on_where_it_lies(tmp_path: Path) -> None:
    write_run(tmp_path, "one", model="plain20", state="stopped")
    (planned,) = plan_comparison(ComparisonRequest(["one"], runs=tmp_path))
    assert planned.missing and planned.config == planned.run.config


def test_a_damaged_config_stops_no_comparison_of_others(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        write_run(tmp_path, name, model="plain20", state="stopped" if name == "three" else "finished")
    for name in ("two", "three"):
        (tmp_path / name / "seed-0" / "config.yaml").write_text("[")
    with pytest.raises(ConfigError):
        _ = Run(tmp_path / "three" / "seed-0").config
    assert [
        item.missing for item in plan_comparison(ComparisonRequest(["one", "two", "three"], runs=tmp_path))
    ] == [False] * 3


def test_one_name_for_all_is_refused_with_the_way_out(tmp_path: Path) -> None:
    refused = compare("plain20", "resnet20", "--set", "name=x", "--runs", str(tmp_path))
    assert isinstance(refused.exception, InputError)
    assert str(refused.exception) == (
        "plain20 seed 0 and resnet20 seed 0 would both be the run x/seed-0, though they differ in "
        "model.name. Give each a name of its own: none in --set or --name, another `name:` in each YAML file."
    )
    assert not list(tmp_path.iterdir())


def test_two_files_of_one_name_are_not_one_run(tmp_path: Path) -> None:
    files = [
        write_yaml(tmp_path / side / "net.yaml", optim={"lr": lr}) for side, lr in (("a", 0.1), ("b", 0.2))
    ]
    with pytest.raises(InputError, match=r"differ in optim\.lr"):
        plan_comparison(ComparisonRequest(files, runs=tmp_path / "runs"))
    for name in ([], ["--name", "x"], ["--set", "name=x"]):
        refused = CliRunner().invoke(app, ["train", *files, *name, "--runs", str(tmp_path / "runs")])
        assert isinstance(refused.exception, InputError) and "differ in optim.lr" in str(refused.exception)
    assert not (tmp_path / "runs").exists()


def test_two_files_of_one_name_for_two_folders_of_images_are_not_one_run(tmp_path: Path) -> None:
    data = {"name": "image_folder", "batch_size": 8}
    files = [write_yaml(tmp_path / side / "net.yaml", data=data | {"root": side}) for side in ("a", "b")]
    with pytest.raises(InputError, match=r"differ in data\.root"):
        plan_comparison(ComparisonRequest(files, runs=tmp_path / "runs"))


def test_an_experiment_given_twice_is_one_run(tmp_path: Path) -> None:
    assert [
        item.label for item in plan_comparison(ComparisonRequest(["plain20", "plain20"], runs=tmp_path))
    ] == ["plain20 seed 0"]


def test_runs_of_one_name_in_two_folders_have_labels_of_their_own(tmp_path: Path) -> None:
    given = [str(write_run(tmp_path / side, "one", model="plain20").path.parent) for side in ("a", "b")]
    assert len({item.label for item in plan_comparison(ComparisonRequest(given, runs=tmp_path))}) == 2


def folder_of(tmp_path: Path, *names: str, **options: Any) -> str:
    return experiment_digest(
        names, plan_comparison(ComparisonRequest(names, runs=tmp_path, **options)), tmp_path
    )


def test_each_experiment_has_a_page_of_its_own(tmp_path: Path) -> None:
    protocol = Path(write_yaml(tmp_path / "second.yaml"))
    words = ("plain20", "resnet20")
    assert folder_of(tmp_path, *words) == folder_of(tmp_path, *words, seeds=1) == ""
    others = [folder_of(tmp_path, *words, protocol=protocol), folder_of(tmp_path, *words, seeds=3)]
    others += [folder_of(tmp_path, *words, prefix="x"), folder_of(tmp_path, str(protocol))]
    assert len({*others, ""}) == 5
    assert others[0] == folder_of(tmp_path, *words, protocol=protocol)
    shutil.copy(protocol, tmp_path / "a")
    inner, outer = (write_yaml(tmp_path / side / "net.yaml", name=f"net-{side}") for side in ("in", "out"))
    assert folder_of(tmp_path, inner) != folder_of(tmp_path, outer)


def test_the_page_of_an_unfinished_run_is_that_of_the_finished_one(tmp_path: Path) -> None:
    run = write_run(tmp_path, "one", model="plain20", state="stopped")
    before = folder_of(tmp_path, "one")
    run.finish(write_run(tmp_path / "other", "one", model="plain20").summary())
    assert folder_of(tmp_path, "one") == before


def test_a_name_goes_before_the_names_that_are_compared(tmp_path: Path) -> None:
    names = ["plain20", write_yaml(tmp_path / "net.yaml")]
    planned = plan_comparison(ComparisonRequest(names, runs=tmp_path, prefix="second"))
    assert [item.run.name for item in planned] == ["second-plain20/seed-0", "second-net/seed-0"]


def test_another_experiment_under_the_name_is_refused_with_an_option_that_there_is(tmp_path: Path) -> None:
    train_missing(
        plan_comparison(ComparisonRequest([write_yaml(tmp_path / "net.yaml")], runs=tmp_path)), tmp_path
    )
    planned = plan_comparison(
        ComparisonRequest([write_yaml(tmp_path / "net.yaml")], overrides=["optim.lr=0.3"], runs=tmp_path)
    )
    with pytest.raises(RunTaken, match=r"Choose another --name\.") as caught:
        train_missing(planned, tmp_path)
    assert "--fresh" not in str(caught.value)


OPTIONS: list[dict[str, Any]] = [
    {"overrides": ["optim.lr=1"]},
    {"seeds": 3},
    {"protocol": Path("p")},
    {"prefix": "x"},
]


@pytest.mark.parametrize("option", OPTIONS, ids=["--set", "--seeds", "--config", "--name"])
def test_options_that_reach_no_name_are_refused(option: dict[str, Any], tmp_path: Path) -> None:
    write_run(tmp_path, "one", model="plain20")
    with pytest.raises(InputError, match=r"cannot change what is there already \(one\)"):
        plan_comparison(ComparisonRequest(["one"], runs=tmp_path, **option))


def test_options_that_reach_some_names_say_which_they_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_run(tmp_path, "one", model="plain20")
    plan_comparison(ComparisonRequest(["one", "plain20"], seeds=2, runs=tmp_path))
    told = "cannot change what is there already (one)."
    assert caplog.messages == [f"--seeds 2: {told}"]
    find_targets(["one", "plain20"], tmp_path, overrides=["model.width=4"])
    assert caplog.messages[1:] == [f"--set model.width=4: {told}"]


@pytest.mark.parametrize("study", ["gradflow", "shatter"])
@pytest.mark.parametrize("option", ["--set", "--config"])
def test_studies_refuse_options_that_reach_no_name(study: str, option: str, tmp_path: Path) -> None:
    write_run(tmp_path, "one", model="plain20")
    refused = CliRunner().invoke(app, [study, "one", option, "x=1", "--runs", str(tmp_path)])
    assert isinstance(refused.exception, InputError) and "cannot change" in str(refused.exception)


def test_networks_of_the_paper_take_no_protocol() -> None:
    refused = CliRunner().invoke(app, ["shatter", "--set", "model.width=4"])
    assert isinstance(refused.exception, InputError) and "--set model.width=4" in str(refused.exception)


def test_a_seed_beside_seeds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found beside --seeds 3"):
        plan_comparison(ComparisonRequest(["plain20"], overrides=["seed=4"], seeds=3, runs=tmp_path))


def test_looking_at_a_lock_changes_nothing(tmp_path: Path) -> None:
    config: RunConfig = build_config(TINY | {"name": "one"})
    run = Run.of(tmp_path, config)
    with run.lock():
        before = tree(tmp_path)
        assert run.is_locked() and run.owner.startswith("process ")
        assert tree(tmp_path) == before
    before = tree(tmp_path)
    assert not run.is_locked() and tree(tmp_path) == before
    assert json.dumps(sorted(before)) == json.dumps([str(run.path.parent), str(run.guard.file)])

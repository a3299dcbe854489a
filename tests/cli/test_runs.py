"""`skiprun runs`: which runs, in which order; what differs; tags; the trash; tables for other programs."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from skiprun.results.run_row import RunRow
from skiprun.results.selection import ROW_KEYS
from tests.support.command_line import run_here
from tests.support.fake_runs import write_run, write_trio


def settings(lr: float) -> dict[str, Any]:
    return {"optim": {"lr": lr}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs, each of which wrote last a second after the one before."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        write_run(folder, "plain20", 0, test={"error": 5.0}, settings=settings(0.1)),
        write_run(folder, "plain20", 1, test={"error": 3.0}, settings=settings(0.05)),
        write_run(folder, "resnet56", 0, connection="add", test={"error": 1.0}, settings=settings(0.1)),
        write_run(folder, "wild", model="plain56", state="diverged", message="nan", settings=settings(2.0)),
        write_run(folder, "unet", task="segmentation", test={"iou": 0.8}),
    ]
    for number, run in enumerate(runs):
        for path in (run.config_file, run.metrics_file, run.status_file):
            os.utime(path, (number + 1, number + 1))
    run_here("runs", "tag", "plain20/seed-1", "paper", "old", "--runs", str(folder), folder=folder)
    return folder


def names(root: Path, *words: str) -> list[str]:
    """Return the names that a listing has, in its order."""
    done = run_here("runs", *words, "--json", "--runs", str(root), folder=root)
    assert done.returncode == 0, done.stderr
    return [row["name"] for row in json.loads(done.stdout)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["plain*"], {"plain20/seed-0", "plain20/seed-1"}),
        (["plain20/seed-1"], {"plain20/seed-1"}),
        (["wild", "u*"], {"wild/seed-0", "unet/seed-0"}),
        (["*/seed-1"], {"plain20/seed-1"}),
        (["state=diverged"], {"wild/seed-0"}),
        (["model=plain*"], {"plain20/seed-0", "plain20/seed-1", "wild/seed-0"}),
        (["dataset=cells"], {"unet/seed-0"}),
        (["tag=paper"], {"plain20/seed-1"}),
        (["plain20", "tag!=paper"], {"plain20/seed-0"}),
        (["optim.lr>0.1"], {"wild/seed-0"}),
        (["optim.lr=0.10", "state=finished", "unet"], {"unet/seed-0"}),
        (["test.error<=3"], {"plain20/seed-1", "resnet56/seed-0"}),
        (["test<4", "score=error"], {"plain20/seed-1", "resnet56/seed-0"}),
        (["model.connection=add"], {"resnet56/seed-0"}),
        (["optim.ema=null", "wild"], {"wild/seed-0"}),
        (["optim.ema=0.99"], set()),
        (["data.download=false", "seed=1"], {"plain20/seed-1"}),
        (["state<finished"], {"wild/seed-0"}),
    ],
)
def test_runs_are_chosen_by_name_and_by_any_key(words: list[str], found: set[str], root: Path) -> None:
    assert set(names(root, *words)) == found


def test_the_latest_come_first_unless_a_key_is_asked_for(root: Path) -> None:
    latest = ["unet/seed-0", "wild/seed-0", "resnet56/seed-0", "plain20/seed-1", "plain20/seed-0"]
    assert names(root) == latest and names(root, "--reverse") == latest[::-1]
    by_error = ["resnet56/seed-0", "plain20/seed-1", "plain20/seed-0"]
    assert names(root, "--sort", "test.error")[:3] == by_error
    assert names(root, "--sort", "test.error", "--reverse")[:3] == by_error[::-1], "those without come last"
    assert names(root, "--sort", "name")[0] == "plain20/seed-0"


def test_a_table_has_the_keys_that_were_asked_for_and_says_what_it_leaves_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.cli.runs.LATEST", 1)
    words = ["runs", "plain20", "optim.lr>0", "--sort", "optim.lr", "--runs", str(root)]
    text = run_here(*words, folder=root).stdout
    assert "optim.lr" in text and "0.05" in text and "old, paper" in text
    assert "The first 1 of 2 runs; --all shows every one." in text
    (row, _) = json.loads(run_here(*words, "--json", folder=root).stdout)
    assert row["optim.lr"] == 0.05 and next(iter(row)) == "name"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lr=0.1"], "No run has a key 'lr'. Did you mean 'optim.lr'?"),
        (["--sort", "test.eror"], "Did you mean 'test.error'?"),
        (["state="], "found no value behind '='"),
    ],
)
def test_a_key_that_there_is_not_is_refused_with_the_nearest(words: list[str], said: str, root: Path) -> None:
    done = run_here("runs", *words, "--runs", str(root), folder=root)
    assert done.returncode == 2 and said in done.stderr and not done.stdout


def test_no_run_that_fits_is_said(root: Path) -> None:
    assert "No run is as asked for" in run_here("runs", "none*", "--runs", str(root), folder=root).stdout
    assert set(ROW_KEYS) == set(RunRow.__annotations__)


def test_a_diff_has_old_new_and_change_of_config_results_and_machine(tmp_path: Path) -> None:
    plain, wide = (
        write_run(tmp_path, name, model="plain20", error=error, settings=settings(lr))
        for name, error, lr in (("a", 2.0, 0.1), ("b", 1.0, 0.05))
    )
    wide.amend_session({"torch": "2.12.0"})
    done = run_here("runs", "diff", "a", "b", "--json", "--runs", str(tmp_path), folder=tmp_path)
    found = {(row["part"], row["key"]): row for row in json.loads(done.stdout)}
    lr, error = found["config", "optim.lr"], found["results", "test.error"]
    assert (lr["old"], lr["new"]) == (0.1, 0.05) and lr["change"] == pytest.approx(-0.05)
    assert (error["old"], error["new"], error["change"]) == (3.0, 2.0, -1.0)
    assert found["machine", "torch"]["change"] is None and ("config", "name") not in found
    assert {part for part, _ in found} == {"config", "results", "machine"}
    text = run_here("runs", "diff", "a", "b", "--runs", str(tmp_path), folder=tmp_path).stdout
    assert "-0.0500 (x 0.500)" in text and "The same: data, network." in text
    assert plain.path.exists()


def test_a_diff_of_equal_runs_says_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path, name, model="plain20")
    done = run_here("runs", "diff", "a", "b", "--runs", str(tmp_path), folder=tmp_path)
    assert "a/seed-0 and b/seed-0 are the same in config" in done.stdout


def test_tags_are_given_to_all_seeds_and_taken_away(tmp_path: Path) -> None:
    write_trio(tmp_path, seeds=2)

    def tag(*words: str) -> Any:
        done = run_here("runs", "tag", *words, "--json", "--runs", str(tmp_path), folder=tmp_path)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    assert tag("plain20", "paper", "b") == {f"plain20/seed-{seed}": ["b", "paper"] for seed in (0, 1)}
    assert tag("plain20/seed-0", "b", "--remove") == {"plain20/seed-0": ["paper"]}
    assert names(tmp_path, "tag=b") == ["plain20/seed-1"]
    assert "can be no tag" in tag("plain20", "a b") and names(tmp_path, "tag=a*") == []


def test_a_damaged_tag_file_costs_the_tags_alone(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    run.tags_file.write_text("{")
    done = run_here("runs", "--json", "--runs", str(tmp_path), folder=tmp_path)
    (row,) = json.loads(done.stdout)
    assert (
        row["state"] == "finished" and row["test"] == 1.1 and "only the run's tags are lost" in row["message"]
    )


@pytest.mark.parametrize("form", ["csv", "json", "md"])
def test_an_export_has_a_column_for_every_key(form: str, root: Path, tmp_path: Path) -> None:
    file = tmp_path / f"runs.{form}"
    words = ["runs", "export", "plain20", "--sort", "seed", "--runs", str(root)]
    assert run_here(*words, "-o", str(file), folder=root).returncode == 0
    text = file.read_text()
    assert run_here(*words, "--format", form, folder=root).stdout == text
    if form == "md":
        heading, _, *lines = ([cell.strip() for cell in line.split("|")] for line in text.splitlines())
        rows = [dict(zip(heading, line, strict=True)) for line in lines]
    else:
        rows = json.loads(text) if form == "json" else list(csv.DictReader(text.splitlines()))
    assert [float(row["optim.lr"]) for row in rows] == [0.1, 0.05]
    assert [float(row["test.error"]) for row in rows] == [5.0, 3.0]
    assert [str(row["seeds.split"]) for row in rows] == ["0", "0"] and "optim.ema" not in rows[0]


def test_another_form_is_refused_and_no_runs_are_an_empty_table(root: Path, tmp_path: Path) -> None:
    done = run_here("runs", "export", "-o", "x.xlsx", "--runs", str(root), folder=tmp_path)
    assert done.returncode == 2 and "csv, json, md; found 'xlsx'" in done.stderr
    for form, empty in (("csv", "\n"), ("json", "[]\n"), ("md", "|  |\n|\n")):
        assert run_here("runs", "export", "--format", form, "--runs", ".", folder=tmp_path).stdout == empty


def test_removed_runs_are_in_no_listing_and_come_back(tmp_path: Path) -> None:
    write_trio(tmp_path, seeds=2)
    before = sorted(names(tmp_path))
    done = run_here("runs", "rm", "plain20", "resnet56/seed-1", "--runs", str(tmp_path), folder=tmp_path)
    assert done.returncode == 0 and "plain20/seed-0, plain20/seed-1, resnet56/seed-1" in done.stderr
    assert "skiprun runs restore plain20/seed-0" in done.stderr
    assert sorted(names(tmp_path)) == [before[2], before[3], before[4]]
    assert not (tmp_path / "plain20").exists(), "nothing is left of it"
    shown = run_here("runs", "restore", "--json", "--runs", str(tmp_path), folder=tmp_path)
    assert [row["name"] for row in json.loads(shown.stdout)] == [before[0], before[1], before[5]]
    assert run_here("runs", "restore", "plain20", "resnet56", "--runs", str(tmp_path), folder=tmp_path).stderr
    assert sorted(names(tmp_path)) == before and not (tmp_path / ".trash").exists()


def test_purge_deletes_for_good(tmp_path: Path) -> None:
    write_trio(tmp_path, seeds=1)
    for words in (["plain20"], ["--purge"], ["plain56", "--purge"]):
        assert run_here("runs", "rm", *words, "--runs", str(tmp_path), folder=tmp_path).returncode == 0
    assert names(tmp_path) == ["resnet56/seed-0"] and not (tmp_path / ".trash").exists()
    done = run_here("runs", "restore", "plain20", "--runs", str(tmp_path), folder=tmp_path)
    assert done.returncode == 2 and "is called 'plain20'" in done.stderr


def test_a_run_that_trains_is_not_removed_nor_any_beside_it(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=2)
    for purge in ([], ["--purge"]):
        with runs[0].lock():
            done = run_here("runs", "rm", "plain56", "plain20", *purge, "--runs", ".", folder=tmp_path)
        assert done.returncode == 5 and "plain20/seed-0 is in use" in done.stderr
        assert len(names(tmp_path)) == 6
    assert run_here("runs", "rm", "--runs", ".", folder=tmp_path).returncode == 2

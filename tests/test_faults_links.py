"""In a runs folder that others can write to, nothing is written through a link that they left; and advice is true."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from skiprun.errors import Diverged, StorageError
from skiprun.run import Run
from skiprun.storage import open_to_append, write_bytes
from skiprun.training.trainer import Silence
from tests.faulty import fault_config, train_here
from tests.tiny import tiny_config, tiny_trainer

CONFIG = fault_config(schedule={"epochs": 2})
LEFT = ["{run}/.config.yaml.tmp", "{run}/.status.json.tmp", "{run}/checkpoints/.last.pt.tmp", "{home}/.seed-0.owner"]


def leave_link(place: str, tmp_path: Path) -> tuple[Path, Path]:
    """Let a name in a run directory lead to a file outside, of some length; return that file and the link."""
    victim, run = tmp_path / "victim", Run.of(tmp_path / "runs", CONFIG)
    victim.write_bytes(b"precious\n" * 9)
    run.checkpoints.mkdir(parents=True)
    link = Path(place.format(run=run.path, home=run.path.parent))
    link.symlink_to(victim)
    return victim, link


@pytest.mark.parametrize("place", LEFT)
def test_a_link_under_a_temporary_name_is_replaced_and_not_followed(place: str, tmp_path: Path) -> None:
    victim, _ = leave_link(place, tmp_path)
    assert train_here(CONFIG, tmp_path / "runs").state == "finished"
    assert victim.read_bytes() == b"precious\n" * 9


@pytest.mark.parametrize("place", ["{run}/metrics.jsonl", "{home}/.seed-0.lock"])
def test_a_link_that_would_be_appended_to_or_locked_is_refused_by_name(place: str, tmp_path: Path) -> None:
    victim, link = leave_link(place, tmp_path)
    with pytest.raises(StorageError, match="it is a link, and nothing is written through links") as caught:
        train_here(CONFIG, tmp_path / "runs")
    assert str(link) in str(caught.value) and caught.value.exit_code == 6
    assert victim.read_bytes() == b"precious\n" * 9


def test_a_link_to_nowhere_is_not_made_a_file(tmp_path: Path) -> None:
    for name in ("log", ".whole.tmp"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    write_bytes(tmp_path / "whole", b"x")
    assert (tmp_path / "whole").read_bytes() == b"x" and not (tmp_path / "victim").exists()
    with pytest.raises(OSError, match="it is a link"):
        open_to_append(tmp_path / "log")


@pytest.mark.parametrize("folder", ["checkpoints", ".", ".."])
def test_a_folder_that_another_user_made_a_link_is_refused(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run.of(tmp_path / "runs", CONFIG)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = {"checkpoints": run.checkpoints, ".": run.path, "..": run.path.parent}[folder]
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    assert train_here(CONFIG, tmp_path / "runs", fresh=False).state == "finished", "one's own link is one's own choice"
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 5002)
    lstat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda path: os.stat_result((*lstat(path)[:4], 5001, *lstat(path)[5:])))
    with pytest.raises(StorageError, match=f"{link} is a link that another user made"), run.lock():
        pass
    assert not list(elsewhere.iterdir())


class DeleteAll(Silence):
    """Deletes a folder after the first epoch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def epoch(self, record: Any) -> None:
        shutil.rmtree(self.folder)


def test_no_checkpoint_is_said_to_be_kept_where_the_run_was_deleted(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no checkpoint is there") as caught:
        train_here(CONFIG, tmp_path / "runs", progress=DeleteAll(tmp_path / "runs"))
    assert "is kept" not in str(caught.value)


def test_a_divergence_says_so_too(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path / "run", tiny_config())
    trainer.fit()
    for there, words in ((True, "the checkpoint of step 12 is kept"), (False, "no checkpoint is there")):
        if not there:
            shutil.rmtree(tmp_path / "run")
        with pytest.raises(Diverged, match=words):
            trainer._diverged("loss", 12)

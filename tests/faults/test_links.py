"""In a runs folder that others can write to, nothing is written through their links; and advice is true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from skiprun.claims.comparison import compare_runs
from skiprun.data.download.place import LOCK, locked
from skiprun.errors import Diverged, StorageError
from skiprun.experiment.study_runner.keeping import RowFile, folder_for, warn_of_folder
from skiprun.inference.input_files import Input
from skiprun.inference.output_files import MaskFolder, name_outputs
from skiprun.reports import write_comparison, write_study
from skiprun.run import Run
from skiprun.system.files import make_folder, write_bytes
from skiprun.system.ordinary_files import open_to_append
from skiprun.system.progress import NullProgress
from skiprun.training.profiling import Profiling
from skiprun.training.views.tensorboard import TensorBoard
from tests.support.faulty import fault_config, train_here
from tests.support.tiny import tiny_config, tiny_trainer

CONFIG = fault_config(schedule={"epochs": 2})
LEFT = [
    "{run}/.config.yaml.tmp",
    "{run}/.status.json.tmp",
    "{run}/checkpoints/.last.pt.tmp",
    "{home}/.seed-0.owner",
]


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match=r"Cannot write .*pipe: it is a named pipe, not an ordinary file"):
        write_bytes(pipe, b"new")
    assert pipe.is_fifo()
    assert [*tmp_path.iterdir()] == [pipe]


def test_a_link_to_nowhere_is_not_made_a_file(tmp_path: Path) -> None:
    for name in ("log", ".whole.tmp"):
        (tmp_path / name).symlink_to(tmp_path / "victim")
    write_bytes(tmp_path / "whole", b"x")
    assert (tmp_path / "whole").read_bytes() == b"x" and not (tmp_path / "victim").exists()
    for _ in range(2):
        with pytest.raises(OSError, match="it is a link"):
            open_to_append(tmp_path / "log")
    assert not (tmp_path / "victim").exists()


@pytest.fixture
def foreign(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Calling it makes every link that of another user."""
    lstat = Path.lstat

    def begin() -> None:
        monkeypatch.setattr(os, "geteuid", lambda: 5002)
        monkeypatch.setattr(
            Path, "lstat", lambda path: os.stat_result((*lstat(path)[:4], 5001, *lstat(path)[5:]))
        )

    return begin


@pytest.mark.parametrize("folder", ["checkpoints", "studies", "overlays", ".", ".."])
def test_a_folder_that_another_user_made_a_link_is_refused(
    folder: str, tmp_path: Path, foreign: Callable[[], None]
) -> None:
    run = Run.of(tmp_path / "runs", CONFIG)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    link = {".": run.path, "..": run.path.parent}.get(folder, run.path / folder)
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere)
    assert train_here(CONFIG, tmp_path / "runs", fresh=False).state == "finished", (
        "one's own link is one's own choice"
    )
    shutil.rmtree(elsewhere)
    elsewhere.mkdir()
    foreign()
    with pytest.raises(StorageError, match=f"{link} is a link that another user made"), run.lock():
        pass
    assert not list(elsewhere.iterdir())


DOCUMENT: Any = {"study": "shatter", "figures": [], "label": "one", "rows": []}
ONE_IMAGE = [Input(Path("one.png"), Path("ward/one.png"))]
# What writes into a folder below one that others can write to.
WRITERS: dict[str, Callable[[Path], Any]] = {
    "a comparison": lambda folder: write_comparison(compare_runs([]), folder),
    "the figures of a study": lambda folder: write_study([DOCUMENT], folder),
    "predictions": lambda folder: name_outputs(ONE_IMAGE, MaskFolder(folder.parent)),
    "overlays": lambda folder: make_folder(folder, below=folder.parent),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_nothing_else_is_written_through_the_link_of_another_user(
    writer: str, tmp_path: Path, foreign: Callable[[], None]
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "runs" / "ward"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    WRITERS[writer](link)
    shutil.rmtree(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    foreign()
    with pytest.raises(StorageError, match=f"{link} is a link that another user made"):
        WRITERS[writer](link)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_studies_of_a_run_whose_folder_is_the_link_of_another_user_are_kept_elsewhere(
    tmp_path: Path, foreign: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    run, spare = tmp_path / "runs" / "one" / "seed-0", tmp_path / "runs" / "studies" / "one"
    run.mkdir(parents=True)
    (run / "studies").symlink_to(tmp_path)
    assert folder_for(run, spare) == run / "studies"
    foreign()
    assert folder_for(run, spare) == spare
    warn_of_folder(run, spare)
    assert caplog.messages == [f"{run} cannot be written to; what is found is kept in {spare}."]


def test_files_that_grow_or_that_libraries_write_follow_no_link(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    victim, run = tmp_path / "victim", tmp_path / "run"
    victim.write_bytes(b"precious")
    rows = RowFile(run / "lesion.partial.jsonl", [])
    rows.file.unlink()
    for name in ("lesion.partial.jsonl", "trace.json", "events.out.tfevents.1", LOCK):
        (run / name).symlink_to(victim)
    rows.append({"block": 1})
    assert (
        len(caplog.messages) == 1
        and "it is a link, and nothing is written through links" in caplog.messages[0]
    )
    profiling = Profiling(NullProgress(), run, torch.device("cpu"))
    tiny_trainer(run, tiny_config(), progress=profiling).fit()
    first, second = (TensorBoard(run, tiny_config()) for _ in range(2))
    second.close()
    first.close()
    assert not (run / "trace.json").is_symlink() and not (run / "events.out.tfevents.1").is_symlink()
    with pytest.raises(StorageError, match="it is a link"), locked(run, lambda *_: None):
        pass
    assert victim.read_bytes() == b"precious"


class DeleteAll(NullProgress):
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
            raise trainer.diverged("loss", 12)

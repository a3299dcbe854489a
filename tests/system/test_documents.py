"""What a run leaves is read as it was written, or named as damaged, one line a file; the others go on."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from skiprun.claims.comparison import compare_runs
from skiprun.cli.app import app
from skiprun.errors import CheckpointError, ConfigError, StorageError, exit_code
from skiprun.experiment import prepare
from skiprun.experiment.machine_checks import checked
from skiprun.experiment.study_runner.keeping import finished, left_over
from skiprun.experiment.worker import failure_of
from skiprun.reports import list_runs, read_comparison, run_details, runs_rows, write_comparison
from skiprun.results import index
from skiprun.results.history import read_history
from skiprun.results.records import read
from skiprun.run import Run, find_runs
from skiprun.system.documents import checksum, read_row
from skiprun.system.files import write_json
from skiprun.training.acceleration.kernels import library
from skiprun.training.checkpoint_file import load, save
from skiprun.training.metrics import MetricsLog
from skiprun.training.state import RESUME_KEYS
from tests.support.fake_runs import write_run, write_trio
from tests.support.tiny import tiny_config, tiny_trainer

cli = importlib.import_module("skiprun.cli.app")  # not the `app` inside it

FLIPS = 200


def flipped(content: bytes, seed: int) -> bytes:
    """Return bytes with one bit of another value."""
    draw = random.Random(seed)
    changed = bytearray(content)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def told_or_the_same(file: Path, look: Callable[[], Any]) -> tuple[int, list[str]]:
    """Flip bits of a file one at a time; return how often that was told, and all outcomes but the same."""
    whole, expected, told, wrong = file.read_bytes(), look(), 0, []
    for seed in range(FLIPS):
        file.write_bytes(flipped(whole, seed))
        try:
            wrong += [f"silent {seed}"] if look() != expected else []
        except StorageError as error:
            told += str(error).startswith(f"{file}: damaged, ") and "\n" not in str(error)
        except Exception as error:
            wrong += [f"dead {seed}: {error!r}"]
    file.write_bytes(whole)
    return told, wrong


def test_no_flip_of_a_summary_is_silent_or_deadly(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    told, wrong = told_or_the_same(run.summary_file, run.summary)
    assert wrong == [] and told > 0.9 * FLIPS


def test_no_flip_of_a_comparison_is_silent_or_deadly(tmp_path: Path) -> None:
    write_comparison(compare_runs(write_trio(tmp_path, seeds=1)), tmp_path / "out")
    told, wrong = told_or_the_same(
        tmp_path / "out" / "comparison.json", lambda: read_comparison(tmp_path / "out")
    )
    assert wrong == [] and told > 0.9 * FLIPS


def test_the_checksum_is_of_the_content_and_not_of_its_layout(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    content = json.loads(run.summary_file.read_text())
    sum_ = content.pop("checksum")
    assert sum_ == checksum(dict(reversed(content.items())))
    run.summary_file.write_text(json.dumps({"checksum": sum_, **content}))
    assert run.summary() == {key: value for key, value in content.items() if key != "format"}


def test_a_summary_without_a_checksum_is_one_of_before(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    summary = run.summary()
    write_json(run.summary_file, summary)
    assert run.summary() == summary and read(run).finished


def test_a_damaged_summary_names_a_way_out_that_there_is(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    run.summary_file.write_text(run.summary_file.read_text().replace('"seed": 0', '"seed": 1'))
    with pytest.raises(StorageError) as caught:
        run.summary()
    assert str(caught.value) == (
        f"{run.summary_file}: damaged, its checksum does not match; delete it, and `skiprun resume "
        f"{run.path}` scores the test split again and writes it anew."
    )


OTHER_SHAPES = [
    "{}",
    "[]",
    "null",
    "5",
    '{"sessions": 5}',
    '{"sessions": [5]}',
    '{"state": 5}',
    '{"state": "[red]x"}',
]
OTHER_SHAPES += [
    '{"test": 5}',
    '{"test": {"loss": "x"}}',
    '{"model": {}, "data": []}',
    "\xff",
    '{"a": ' * 5000,
]
FILES = ["summary.json", "status.json", "environment.json"]


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("content", OTHER_SHAPES, ids=range(len(OTHER_SHAPES)))
def test_a_document_of_another_shape_is_one_line_and_the_others_go_on(
    file: str, content: str, tmp_path: Path
) -> None:
    runs = [*write_trio(tmp_path, seeds=1), write_run(tmp_path, "last", model="plain20", state="stopped")]
    run = runs[-1] if file == "status.json" else runs[1]
    (run.path / file).write_text(content, encoding="latin-1")
    rows = {row["name"]: row for row in runs_rows(find_runs(tmp_path))}
    assert len(rows) == 4 and rows["plain20/seed-0"]["state"] == "finished"
    message = rows[run.name]["message"]
    assert message.startswith(f"{run.path / file}: damaged, ") and "\n" not in message
    assert len(compare_runs(runs).groups) == (2 if file == "summary.json" else 3)
    assert run_details(run)["name"] == run.name


def test_the_summary_alone_says_that_a_run_is_finished(tmp_path: Path) -> None:
    run = write_run(tmp_path, "one", model="plain20")
    states = [json.loads(run.status_file.read_text())["state"], str(run.state)]
    run.summary_file.unlink()
    assert [*states, str(run.state)] == ["finished", "finished", "unfinished"]


def test_an_error_of_many_pages_is_one_line_wherever_it_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A compiler that fails says all that it was given."""
    pages = "\nthe compiler failed, " + "x" * 1000 + "\nwarning: overflow" * 5000
    run = write_run(tmp_path, "one", model="plain20", state="failed", message=pages)
    assert len(run.status_file.read_text()) < 500
    before = json.dumps({"state": "failed", "step": 40, "message": pages})
    for written in (run.status_file.read_text(), before):  # by this version, and by those before
        run.status_file.write_text(written)
        (row,) = runs_rows([run])
        assert row["message"].startswith("the compiler failed, xx") and len(row["message"]) == 300

    def fail() -> str:
        raise RuntimeError(pages)

    monkeypatch.delenv("SKIPRUN_DEBUG", raising=False)
    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit, match=r"^1$"):
        cli.main()
    said = capsys.readouterr().err
    assert said.startswith("error: RuntimeError: the compiler failed, xx") and len(said) < 400
    assert said.endswith(" (`skiprun --debug ...` shows where)\n") and said.count("\n") == 1
    caplog.set_level("INFO")
    failure_of({"seed 0": RuntimeError(pages), "seed 1": run})  # of runs side by side
    for told in (caplog.messages[0].removeprefix("seed 0: "), checked("training", fail).finding):
        assert told.startswith("RuntimeError: the compiler failed, xx") and told.endswith("xxx...")
        assert len(told) == len("RuntimeError: ") + 300


@pytest.mark.parametrize("command", ["train", "resume", "predict", "evaluate", "lesion"])
@pytest.mark.parametrize("content", ["{}", '{"test": 5}'])
def test_commands_name_a_summary_of_another_shape_and_end_with_6(
    command: str, content: str, tmp_path: Path
) -> None:
    run = write_run(tmp_path, "one", model="resnet20")
    run.summary_file.write_text(content)
    image = [str(tmp_path / "x.png")] * (command == "predict")
    (tmp_path / "x.png").write_bytes(b"")
    named = [str(run.config_file), "--runs", str(tmp_path)] if command == "train" else [str(run.path)]
    ended = CliRunner().invoke(app, [command, *named, *image])
    assert isinstance(ended.exception, StorageError), repr(ended.exception)
    assert exit_code(ended.exception) == 6 and str(run.summary_file) in str(ended.exception)


def test_a_damaged_history_of_sessions_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    run = write_run(tmp_path, "one", state="stopped")
    run.environment_file.write_text('{"sessions": 5}')
    with pytest.raises(
        StorageError, match=r"environment.json: damaged, sessions: .*; delete it; only the record"
    ):
        run.record_environment({})
    assert run.environment_file.read_text() == '{"sessions": 5}'


def socket_at(path: Path) -> None:
    """Leave a socket at a path, whose length is limited."""
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as ours:
        ours.bind(path.name)


ODD: dict[str, Callable[[Path], Any]] = {
    "a named pipe": lambda path: os.mkfifo(path),
    "a folder": lambda path: path.mkdir(),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": socket_at,
}
posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")


def replace_by(odd: str, path: Path) -> None:
    """Put something else in the place of a file."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    ODD[odd](path)


@posix
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("file", FILES)
def test_what_is_no_ordinary_file_in_the_place_of_a_document_keeps_nobody_waiting(
    odd: str, file: str, tmp_path: Path
) -> None:
    run = write_run(tmp_path, "one", state="finished" if file == "summary.json" else "stopped")
    replace_by(odd, run.path / file)
    assert f"it is {odd}, not an ordinary file" in runs_rows([run])[0]["message"]


@posix
@pytest.mark.parametrize("odd", ODD)
def test_the_other_files_of_runs_and_caches_keep_nobody_waiting_either(odd: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "plain20")
    replace_by(odd, run.metrics_file)
    with pytest.raises(StorageError, match=f"metrics.jsonl: it is {odd}, not an ordinary file"):
        run.metrics()
    with pytest.raises(StorageError, match=f"metrics.jsonl: it is ({odd}, not an ordinary file|a link)"):
        MetricsLog(run.metrics_file, 0, [])
    assert not read_history(read(run), "error").loss
    replace_by(odd, tmp_path / "runs" / index.NAME)
    assert list_runs(tmp_path / "runs").total == 1
    replace_by(odd, run.guard.owner_file)
    assert run.owner == "another process"
    identity: Any = {}
    for name in ("lesion.json", "lesion.partial.jsonl"):
        replace_by(odd, run.studies / name)
    assert finished(run.studies / "lesion.json", identity) is None
    assert left_over(run.studies / "lesion.partial.jsonl", identity) == []
    replace_by(odd, tmp_path / "norm.so")
    assert not library.is_intact(tmp_path / "norm.so")


RULES: list[tuple[str, float, dict[str, Any]]] = [
    ("model.depth", 20_000, {"model": {"name": "plain20", "depth": 20_000}}),
    ("data.augment.mixup", 0.001, {"data": {"name": "digits", "augment": {"mixup": 0.001}}}),
]


@pytest.mark.parametrize(("key", "value", "settings"), RULES)
def test_a_run_of_before_a_rule_was_made_is_shown_as_any_other_and_not_trained(
    key: str, value: float, settings: dict[str, Any], tmp_path: Path
) -> None:
    runs = [write_run(tmp_path, "plain20", seed=seed, settings=settings) for seed in (0, 1)]
    (row, _) = runs_rows(runs)
    assert (row["state"], row["model"], row["message"]) == ("finished", "plain20", "")
    assert run_details(runs[0])["config"][key] == value
    compared = compare_runs(runs)
    assert len(compared.groups) == 1 and not compared.unfinished
    runs[0].refuse_another(runs[0].recorded)
    for read_to_train in (lambda: runs[0].config, lambda: prepare(runs[0].recorded)):
        with pytest.raises(ConfigError, match=f"{key}: found {value}"):
            read_to_train()


ROWS: list[tuple[bytes, bool]] = [
    (b'{"step": 1, "epoch": 0, "lr": 0.1, "epoch_end": true, "val/loss": null}', True),
    (b"[" * 200_000, False),
    (b'{"step": 1e400, "epoch": 0}', False),
    (b'{"step": "1", "epoch": 0}', False),
    (b'{"step": 1, "epoch": 0, "val/loss": "y"}', False),
    (b'{"step": 1, "epoch": 0, "grad_norm/01.x": {}}', False),
    (b'{"step": 1, "epoch": 0, "lr": 1' + b"0" * 400 + b"}", False),
    (b'{"step": 1}', False),
    (b"7", False),
]


@pytest.mark.parametrize(("line", "good"), ROWS, ids=range(len(ROWS)))
def test_a_row_of_the_log_is_numbers_or_damaged(line: bytes, good: bool, tmp_path: Path) -> None:
    assert (read_row(line) is not None) is good
    run = write_run(tmp_path, "plain20")
    before = len(run.metrics())
    with run.metrics_file.open("ab") as log:
        log.write(line + b"\n")
    assert len(run.metrics()) == before + good
    assert read_history(read(run), "error").loss
    trainer = tiny_trainer(tmp_path / "tiny", tiny_config())
    assert trainer.log.damaged == []


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder with the checkpoints of a run that has ended."""
    tiny_trainer(tmp_path, tiny_config()).fit()
    return tmp_path


@pytest.mark.parametrize("key", ["model", *RESUME_KEYS])
@pytest.mark.parametrize("value", [None, "x"])
def test_a_sealed_checkpoint_that_lacks_something_is_a_checkpoint_error(
    key: str, value: Any, begun: Path
) -> None:
    state = torch.load(begun / "last.pt", weights_only=True)
    if key == "data" and value:
        value = 5
    state = state | {key: value} if value else {name: each for name, each in state.items() if name != key}
    save(begun / "last.pt", state)
    (begun / "previous.pt").unlink()
    with pytest.raises(CheckpointError, match=r"last\.pt"):
        tiny_trainer(begun, tiny_config())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("optimizer", {}),
        ("seconds", {}),
        ("best", {"step": 1}),
        ("config", {"model": 1}),
        ("model", {"a": 1}),
    ],
)
def test_a_sealed_checkpoint_of_another_shape_inside_is_a_checkpoint_error(
    key: str, value: Any, begun: Path
) -> None:
    save(begun / "last.pt", torch.load(begun / "last.pt", weights_only=True) | {key: value})
    (begun / "previous.pt").unlink()
    with pytest.raises(CheckpointError, match=r"last\.pt"):
        tiny_trainer(begun, tiny_config())


def test_a_checkpoint_that_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "last.pt").symlink_to("/dev/zero")
    with pytest.raises(CheckpointError, match="not an ordinary file"):
        load(tmp_path / "last.pt")


def test_a_summary_can_be_made_again_from_the_checkpoint(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config())
    scores = trainer.fit()
    assert tiny_trainer(tmp_path, tiny_config()).fit() == scores
    assert Run(tmp_path).metrics()[-1]["test/loss"] == scores["loss"]

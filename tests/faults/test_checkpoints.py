"""Checkpoints damaged, foreign, newer, poisoned or of something else (F19 to F33), and a damaged log."""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from skiprun.errors import CheckpointError, Diverged, OtherData, RunTaken, SkiprunError, Stopped, StorageError
from skiprun.experiment import load_model
from skiprun.legacy import COMPUTE
from skiprun.run import Run
from skiprun.training import checkpoint_file
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load, save
from tests.support import GOLDEN
from tests.support.faulty import SignalAfterStep, assert_same_runs, fault_config, train_here
from tests.support.tiny import tiny_config, tiny_trainer

CPU = torch.device("cpu")
CONFIG = fault_config(schedule={"epochs": 3})


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of a run that was stopped in its third epoch, after step 10 of 12."""
    runs = tmp_path_factory.mktemp("stopped") / "runs"

    class Stop(Exception):
        """Ends the session at a step."""

    class StopAt10:
        def step(self, step: int, steps: int) -> None:
            if step == 10:
                raise Stop

        def epoch(self, record: dict[str, Any]) -> None:
            pass

    with pytest.raises(Stop):
        train_here(CONFIG, runs, progress=StopAt10())
    return runs


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs folder of the same run, uninterrupted."""
    runs = tmp_path_factory.mktemp("whole") / "runs"
    train_here(CONFIG, runs)
    return runs


@pytest.fixture
def run(stopped: Path, tmp_path: Path) -> Run:
    """A copy of the stopped run, to be damaged."""
    shutil.copytree(stopped, tmp_path / "runs")
    return Run.of(tmp_path / "runs", CONFIG)


def root(run: Run) -> Path:
    return run.path.parent.parent


def content(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def finish(run: Run, whole: Path) -> None:
    """Continue a run to its end, and compare it with the uninterrupted one."""
    train_here(CONFIG, root(run))
    assert_same_runs(whole, root(run), CONFIG)


def refused(run: Run, kind: type[SkiprunError] = CheckpointError) -> str:
    """Start a run that must be refused; nothing of it may change."""
    before = content(run.checkpoints)
    with pytest.raises(kind) as caught:
        train_here(CONFIG, root(run))
    assert content(run.checkpoints) == before
    return str(caught.value).replace(str(root(run)), "runs")


def test_F19_a_finished_run_started_again_changes_no_byte(
    whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = content(whole)
    train_here(CONFIG, whole)
    assert content(whole) == before
    assert caplog.messages == [f"{Run.of(whole, CONFIG).path} is finished already."]


def test_F20_F29_a_changed_config_is_refused_with_every_difference(run: Run) -> None:
    longer = fault_config(schedule={"epochs": 5}, optim={"lr": 0.1, "clip_norm": 1.0})
    before = content(run.path)
    with pytest.raises(RunTaken) as caught:
        train_here(longer, root(run))
    assert caught.value.exit_code == 5
    assert "  optim.lr: 0.05 -> 0.1\n  schedule.epochs: 3.0 -> 5.0\n" in str(caught.value)
    assert content(run.path) == before


def damaged_bytes(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield 400 single flipped bits, 100 truncations, and files that are no checkpoints at all."""
    chance = random.Random(0)
    for number in range(400):
        flipped = bytearray(whole)
        place = chance.randrange(len(whole))
        flipped[place] ^= 1 << chance.randrange(8)
        yield f"bit {number} at {place}", bytes(flipped)
    for length in [
        0,
        1,
        21,
        22,
        63,
        64,
        86,
        len(whole) - 1,
        *(chance.randrange(len(whole)) for _ in range(92)),
    ]:
        yield f"cut to {length}", whole[:length]
    for other in (
        b"\0" * len(whole),
        b"<html><body>404</body></html>",
        b"step: 10\n" * 50,
        whole + b"\n",
        whole * 2,
    ):
        yield f"other {other[:9]!r}", other


def test_F21_F22_F23_all_of_400_flips_and_100_cuts_are_found_and_the_one_before_is_used(
    stopped: Path, tmp_path: Path
) -> None:
    good = Run.of(stopped, CONFIG).checkpoints
    folder, found = shutil.copytree(good, tmp_path / "checkpoints"), 0
    for what, damaged in damaged_bytes((good / "last.pt").read_bytes()):
        (folder / "last.pt").write_bytes(damaged)
        state, notes = Checkpoints(folder).load_last()
        assert state is not None and state["step"] == 4, what
        assert "damaged" in notes[0] and "The one before it is used." in notes[0], what
        found += 1
    assert found == 505


def test_torch_itself_does_not_notice_a_flipped_bit_in_the_weights(stopped: Path, tmp_path: Path) -> None:
    """The control: without the seal, most of the flips above are loaded silently."""
    content = (Run.of(stopped, CONFIG).checkpoints / "last.pt").read_bytes()
    silent, chance = 0, random.Random(1)
    for _ in range(20):
        flipped = bytearray(content)
        flipped[chance.randrange(len(content) // 4, 3 * len(content) // 4)] ^= 4
        (tmp_path / "flipped.pt").write_bytes(flipped)
        try:
            torch.load(tmp_path / "flipped.pt", weights_only=True)
        except Exception:
            continue
        silent += 1
    assert silent > 10


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_F21_a_run_with_a_damaged_last_checkpoint_ends_with_the_same_bits(
    run: Run, whole: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    last = run.checkpoints / "last.pt"
    good = last.read_bytes()
    last.write_bytes({"cut": good[:-9], "flip": bytes([good[0] ^ 1]) + good[1:], "empty": b""}[damage])
    finish(run, whole)
    assert any("last.pt" in line and "The one before it is used." in line for line in caplog.messages)
    assert (run.checkpoints / "last.damaged").exists()


def test_F21_with_no_checkpoint_left_it_says_so_every_time_and_changes_nothing(run: Run) -> None:
    for name in ("last.pt", "previous.pt"):
        (run.checkpoints / name).write_bytes(b"")
    for _ in range(2):
        message = refused(run)
        assert message.split("\n")[-1] == "No checkpoint is left; `skiprun train --fresh` starts it over."
        assert "runs/run/seed-0/checkpoints/last.pt: damaged or cut short" in message


def test_F24_a_checkpoint_with_code_in_it_is_refused_and_the_code_not_run(run: Run, tmp_path: Path) -> None:
    class Exploit:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    for name in ("last.pt", "previous.pt"):
        save(run.checkpoints / name, {"step": 4, "exploit": Exploit()})
    assert "weights_only" not in refused(run)
    assert not (tmp_path / "ran").exists()


def test_F26_without_last_the_previous_checkpoint_is_used(
    run: Run, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (run.checkpoints / "last.pt").unlink()
    finish(run, whole)
    assert (
        f"{run.checkpoints / 'last.pt'}: there is no such checkpoint. The one before it is used."
        in caplog.messages
    )
    assert "Continuing after step 4 of 12." in caplog.messages


def test_F27_a_file_of_another_program_is_named_as_such(run: Run) -> None:
    torch.save({"state_dict": {"weight": torch.ones(2)}}, run.checkpoints / "last.pt")
    assert refused(run) == (
        "runs/run/seed-0/checkpoints/last.pt: not a checkpoint of skiprun. "
        "To start from another program's weights, set model.weights."
    )


@pytest.mark.parametrize(
    ("sections", "says"),
    [
        ({"model": {"name": "resnet_cifar", "depth": 14, "width": 4}}, "model.depth: 14 -> 8"),
        ({"seed": 7}, "seed: 7 -> 0"),
        ({"data": {"name": "tiny", "batch_size": 8, "val_fraction": 0.2}}, "data.batch_size: 8 -> 16"),
    ],
)
def test_F28_a_checkpoint_of_another_experiment_is_refused(
    run: Run, sections: dict[str, Any], says: str, tmp_path: Path
) -> None:
    other = fault_config(**({"schedule": {"epochs": 1}} | sections))
    theirs = train_here(other, tmp_path / "others")
    shutil.copy(theirs.checkpoints / "last.pt", run.checkpoints / "last.pt")
    message = refused(run)
    assert "of another experiment" in message
    assert says in message


def test_F28_best_copied_over_last_is_no_state_to_continue_from(run: Run) -> None:
    shutil.copy(run.checkpoints / "best.pt", run.checkpoints / "last.pt")
    assert "holds weights only" in refused(run)


def test_F30_a_newer_format_is_named_and_left_alone(run: Run) -> None:
    state = load(run.checkpoints / "last.pt")
    newer = checkpoint_file.FORMAT + 1
    save(run.checkpoints / "last.pt", state | {"format": newer, "skiprun": "2.5.0"})
    assert "written by skiprun 2.5.0, newer than this one" in refused(run)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*.pt")), ids=lambda file: file.stem)
def test_F31_checkpoints_of_every_released_format_load(file: Path) -> None:
    state = load(file)
    assert state["step"] == 12
    assert torch.equal(state["model"]["weight"], torch.arange(6.0).reshape(2, 3))
    assert state["best"] == {"step": 8, "epoch": 2, "val": {"loss": 0.5, "error": 12.5}}


def test_F31_there_is_a_file_of_the_present_format() -> None:
    assert checkpoint_file.FORMAT in {load(file)["format"] for file in GOLDEN.glob("*.pt")}


def test_F31_a_run_stopped_before_data_fit_had_its_meaning_of_today_goes_on(run: Run, whole: Path) -> None:
    def as_then(plain: dict[str, Any]) -> dict[str, Any]:
        later = ("background", "test_fraction", "instances", "mask_suffix", "subject")
        data = {key: value for key, value in plain["data"].items() if key not in later}
        schedule = {key: value for key, value in plain["schedule"].items() if key != "restarts"}
        earlier = {key: value for key, value in plain.items() if key != "compute"}
        earlier |= {old: plain["compute"][new] for old, new in COMPUTE.items()}
        return earlier | {"data": data | {"fit": "resize"}, "schedule": schedule}

    state = load(run.checkpoints / "last.pt")
    save(run.checkpoints / "last.pt", state | {"config": as_then(state["config"])})
    run.config_file.write_text(yaml.safe_dump(as_then(yaml.safe_load(run.config_file.read_text()))))
    finish(run, whole)


@pytest.mark.parametrize(("key", "value"), [("torch", "1.0"), ("device", "cuda"), ("threads", 3)])
def test_F32_what_the_bits_depend_on_is_told_when_it_changes(
    run: Run, key: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    save(run.checkpoints / "last.pt", load(run.checkpoints / "last.pt") | {key: value})
    config = (
        fault_config(schedule={"epochs": 3}, compute={"device": "cpu", "precision": "fp32", "threads": 1})
        if key == "threads"
        else CONFIG
    )
    train_here(config, root(run))
    assert any(
        line.startswith(f"Not bit-identical to an uninterrupted run: {key} {value} -> ")
        for line in caplog.messages
    )
    assert run.state == "finished"


def test_F33_weights_that_are_not_finite_are_refused_and_the_one_before_is_used(
    run: Run, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = load(run.checkpoints / "last.pt")
    state["model"]["bn1.running_var"][0] = torch.inf
    save(run.checkpoints / "last.pt", state)
    finish(run, whole)
    assert any("'bn1.running_var' are not finite" in line for line in caplog.messages)


def test_F33_F70_a_poisoned_buffer_is_never_saved(tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, tiny_config())

    def poison(step: int, steps: int) -> None:
        if step == 7:
            trainer.model.bn1.running_mean[1] = torch.nan

    trainer.surroundings.progress.step = poison  # type: ignore[method-assign]
    with pytest.raises(Diverged) as caught:
        trainer.fit()
    assert caught.value.exit_code == 3
    assert load(tmp_path / "last.pt")["step"] == 4


def test_F67_another_dataset_under_the_same_name_is_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.support.faulty.NOISE", 1)
    assert refused(run, OtherData) == (
        "Run runs/run/seed-0 was trained on other data: images, labels or the split differ, not their "
        "number. Bring it back, name its place with --root, or start over with `skiprun train --fresh`."
    )


def test_another_checkpoint_in_the_place_of_the_best_is_not_scored(whole: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "runs")
    run = Run.open(tmp_path / "runs" / "run")
    best = run.summary()["best"]["step"]
    checkpoints = Checkpoints(run.checkpoints)
    other = next(path for path in (checkpoints.last, checkpoints.previous) if load(path)["step"] != best)
    shutil.copy(other, checkpoints.best)
    with pytest.raises(CheckpointError, match=rf"best\.pt: of step \d+, not {best}, whose scores"):
        load_model(run)


def test_a_damaged_best_is_written_again_where_the_weights_at_hand_are_the_best(
    run: Run, whole: Path
) -> None:
    state = load(run.checkpoints / "last.pt")
    best = run.checkpoints / "best.pt"
    save(run.checkpoints / "last.pt", state | {"best": state["best"] | {"step": state["step"]}})
    best.write_bytes(b"")
    train_here(CONFIG, root(run))
    assert load(best)


def test_a_damaged_best_that_is_lost_is_told_before_the_first_step(run: Run) -> None:
    state = load(run.checkpoints / "last.pt")
    save(run.checkpoints / "last.pt", state | {"best": state["best"] | {"step": 2}})
    (run.checkpoints / "best.pt").write_bytes(b"x" * 500)
    assert "best.pt: damaged" in refused(run)


def test_a_damaged_line_of_the_log_is_named_and_left_out(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    lines = run.metrics_file.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b'"step"', b'\xff"tep"')
    run.metrics_file.write_bytes(b"\n".join(lines))
    train_here(CONFIG, root(run))
    assert f"{run.metrics_file}:2: damaged; this record is left out." in caplog.messages
    assert run.state == "finished"
    assert all("tep" not in row for row in run.metrics())


@pytest.mark.parametrize("known", [True, False], ids=["", "old checkpoint without a sum"])
def test_a_changed_digit_of_the_log_is_told_once(
    run: Run, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    if not known:
        state = load(run.checkpoints / "last.pt")
        del state["metrics_sum"], state["samples"]
        save(run.checkpoints / "last.pt", state)
    content = run.metrics_file.read_bytes()
    place = content.index(b'"train/loss": ') + len(b'"train/loss": 0.')
    run.metrics_file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    told = (
        f"{run.metrics_file}: changed since the checkpoint was saved; its numbers are not those of this run."
    )
    with pytest.raises(Stopped):
        train_here(CONFIG, root(run), progress=SignalAfterStep(11, signal.SIGTERM))
    assert (told in caplog.messages) is known
    caplog.clear()
    train_here(CONFIG, root(run))
    assert told not in caplog.messages and run.state == "finished"


def test_a_log_that_is_gone_is_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    run.metrics_file.unlink()
    train_here(CONFIG, root(run))
    assert any("its last records are lost" in line for line in caplog.messages)
    assert min(row["step"] or 0 for row in run.metrics()) == 10


@pytest.mark.parametrize("name", ["status.json", "environment.json", "summary.json"])
def test_a_damaged_file_of_the_run_directory_is_named(run: Run, name: str) -> None:
    (run.path / name).write_text('{"sta')
    with pytest.raises(StorageError, match=rf"{name}: damaged, not a JSON object"):
        run.record_environment({}) if name == "environment.json" else (run.message, run.summary())


def test_a_directory_made_by_hand_is_filled_or_refused(tmp_path: Path) -> None:
    run = Run.of(tmp_path, CONFIG)
    run.checkpoints.mkdir(parents=True)
    train_here(CONFIG, tmp_path)  # empty folders are nobody's
    assert run.state == "finished"
    by_hand = tmp_path / "hand" / "seed-0"
    by_hand.mkdir(parents=True)
    (by_hand / "config.yaml").write_text("- just\n- a list\n")
    with pytest.raises(SkiprunError, match="a config is a mapping"):
        train_here(fault_config(name="hand"), tmp_path)


def test_leftovers_of_a_killed_process_are_removed_at_the_next_start(run: Run, whole: Path) -> None:
    for place in (run.path / ".status.json.tmp", run.checkpoints / ".last.pt.tmp"):
        place.write_bytes(b"half")
    finish(run, whole)  # compares, and finds no temporary file
    assert json.loads(run.status_file.read_text()) == {"state": "finished", "step": 12, "message": ""}


def test_fresh_deletes_all_or_nothing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise KeyboardInterrupt

    monkeypatch.setattr("skiprun.system.files.shutil.rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.clear()
    assert not run.path.exists()
    monkeypatch.undo()
    run.path.mkdir()
    run.clear()
    assert [file.name for file in run.path.parent.iterdir() if "deleted" in file.name] == []

"""The log of a run is cut to what the checkpoint knew; what is missing or damaged of that is said."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from skiprun.training.metrics import MetricsLog

LINES = [b'{"step": %d, "epoch": 0}\n' % step for step in (1, 2, 3)]
WHOLE = b"".join(LINES)


def opened(path: Path, content: bytes, keep: int) -> MetricsLog:
    path.write_bytes(content)
    return MetricsLog(path, keep, [])


def test_a_log_as_it_was_saved_has_no_problem(tmp_path: Path) -> None:
    log = opened(tmp_path / "metrics.jsonl", WHOLE, len(WHOLE))
    assert log.problems(None) == log.problems(sha256(WHOLE).hexdigest()) == []


def test_what_was_written_after_the_checkpoint_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = opened(path, WHOLE, len(LINES[0]))
    assert path.read_bytes() == LINES[0] and log.problems(sha256(LINES[0]).hexdigest()) == []


def test_a_log_that_lost_its_end_is_told_with_what_is_damaged_in_it(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = opened(path, LINES[0] + b'{"step":\n' + LINES[2][:5], len(WHOLE))
    damaged, shorter = log.problems(None)
    assert damaged.startswith(f"{path}:2: damaged")
    assert "shorter than when the checkpoint was saved" in shorter
    assert path.read_bytes() == LINES[0] + b'{"step":\n', "an unended line would swallow the next one"


def test_another_log_of_the_same_length_is_told(tmp_path: Path) -> None:
    log = opened(tmp_path / "metrics.jsonl", WHOLE.replace(b"3", b"4"), len(WHOLE))
    assert log.problems(None) == [] and len(log.problems(sha256(WHOLE).hexdigest())) == 1

"""What figures draw of a training: curves by epoch and step, gradient norms by relative depth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from skiprun.results.history import History, read_history
from skiprun.results.records import read
from tests.support.fake_runs import write_run


def history(tmp_path: Path, *rows: dict[str, Any]) -> History:
    run = write_run(tmp_path, "plain8")
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read_history(read(run), "error")


def test_gradients_are_those_of_the_first_row_that_has_them_and_medians_of_all_that_do(
    tmp_path: Path,
) -> None:
    norms = [
        {
            "grad_norm/01.a": first,
            "grad_norm/02.b": 2.0,
            "grad_norm/03.c": last,
            "grad/first_over_last": ratio,
        }
        for first, last, ratio in ((1.0, 4.0, 0.25), (3.0, 5.0, 0.6), (8.0, 9.0, None))
    ]
    found = history(
        tmp_path,
        {"step": 1, "epoch": 0, "train/loss": 2.0},
        *({"step": step, "epoch": 0} | row for step, row in zip((2, 4, 6), norms, strict=True)),
        {"step": 6, "epoch": 1, "epoch_end": True, "train/epoch_loss": 1.5, "val/error": 30.0},
        {"step": 12, "epoch": 2, "epoch_end": True, "train/epoch_loss": None, "val/error": 20.0},
    )
    assert found.first_step == 2
    assert found.first_norms == {0.0: 1.0, 0.5: 2.0, 1.0: 4.0}
    assert found.median_norms == {0.0: 3.0, 0.5: 2.0, 1.0: 5.0}
    assert found.ratio == {2.0: 0.25, 4.0: 0.6}
    assert found.loss == {1.0: 1.5} and found.score == {1.0: 30.0, 2.0: 20.0}


def test_a_run_without_probes_has_curves_and_no_gradients(tmp_path: Path) -> None:
    found = history(tmp_path, {"step": 3, "epoch": 1, "epoch_end": True, "train/epoch_loss": 1.5})
    assert found.first_step is None and found.first_norms == found.median_norms == found.ratio == {}
    assert found.loss == {1.0: 1.5}

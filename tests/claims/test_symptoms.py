"""Symptoms on logs that are written: each is seen just beyond its threshold and not just below it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.symptom import Explanation, explain
from skiprun.experiment.contracts.symptoms import EPOCHS, STEPS, at_end, at_step
from skiprun.registry import SYMPTOMS
from tests.support.command_line import run_here
from tests.support.fake_runs import write_run

Row = dict[str, Any]


def explained(
    tmp_path: Path,
    step: Callable[[int], Row] = lambda number: {},
    end: Callable[[int], Row] = lambda number: {},
    **options: Any,
) -> Explanation:
    """Return what is said of a healthy run, but for what differs in its rows."""
    run = write_run(tmp_path, "plain20", **options)
    rows = [at_step(number) | step(number) for number in range(STEPS)]
    rows += [at_end(number) | end(number) for number in range(EPOCHS)]
    run.metrics_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = explain(run)
    written = {(tag, row["step"], value) for row in rows for tag, value in row.items()}
    for symptom in found.symptoms.values():
        assert {tuple(point) for point in symptom.evidence} <= written, "every value is one of the log"
        assert symptom.sentence.endswith(".") and symptom.advice.endswith(".")
    return found


def test_a_healthy_log_is_met_with_silence_and_all_that_was_looked_for(tmp_path: Path) -> None:
    found = explained(tmp_path)
    assert found.symptoms == {}
    assert {each["name"] for each in found.looked_for} == set(SYMPTOMS.names())
    assert all(each["measured"] and not each["seen"] for each in found.looked_for)


def late(number: int) -> bool:
    return number >= STEPS // 2


CASES: dict[str, tuple[Callable[[float], dict[str, Any]], float, float]] = {
    "rate_too_high": (lambda x: {"step": lambda n: {"train/loss": 2.3 * x} if 3 <= n < 6 else {}}, 2.1, 1.9),
    "loss_spikes": (lambda x: {"step": lambda n: {"train/loss": x} if n == 30 else {}}, 0.7, 0.5),
    "clipping_always_on": (lambda x: {"end": lambda n: {"grad/clipped_fraction": x}}, 0.97, 0.93),
    "overfitting": (lambda x: {"end": lambda n: {"val/loss": 0.5 + x * n}}, 0.02, 0.005),
    "too_short": (lambda x: {"step": lambda n: {"train/loss": 2.3 - x * n}}, 0.03, 0.01),
    "stuck_at_chance": (lambda x: {"end": lambda n: {"train/error": x}}, 89.0, 85.0),
    "training_error_stuck": (lambda x: {"end": lambda n: {"train/error": x}}, 6.0, 4.0),
    "vanishing_gradients": (lambda x: {"step": lambda n: {"grad/first": x}}, 0.0005, 0.002),
    "exploding_gradients": (lambda x: {"step": lambda n: {"grad/first_over_last": x / (n + 1)}}, 120.0, 80.0),
    "dead_layers": (lambda x: {"step": lambda n: {"activation_dead/02.fc": x} if late(n) else {}}, 0.6, 0.4),
    "throughput_drop": (
        lambda x: {"end": lambda n: {"time/images_per_s": 1000 * x if n > 9 else 1000.0}},
        0.4,
        0.6,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_symptom_is_seen_beyond_its_threshold_alone(name: str, tmp_path: Path) -> None:
    make, beyond, below = CASES[name]
    assert list(explained(tmp_path / "beyond", **make(beyond)).symptoms) == [name]
    assert name not in explained(tmp_path / "below", **make(below)).symptoms


def test_every_symptom_has_a_case() -> None:
    assert {*CASES, "diverged"} == set(SYMPTOMS.names())


def test_a_run_that_diverged_says_the_last_good_loss_and_a_rate_to_try(tmp_path: Path) -> None:
    found = explained(tmp_path, state="diverged", message="The loss is not finite at step 200.")
    symptom = found.symptoms["diverged"]
    assert symptom.evidence[0].tag == "train/loss" and symptom.evidence[0].step == 5 * (STEPS - 1)
    assert "optim.lr ten times smaller (0.01)" in symptom.advice


def test_a_layer_without_any_gradient_is_seen_without_the_probe_of_activations(tmp_path: Path) -> None:
    found = explained(tmp_path, step=lambda n: {"grad_norm/01.conv1": 0.0} if n > 10 else {})
    assert "No gradient reaches conv1" in found.symptoms["dead_layers"].sentence


def test_one_bad_batch_slow_epoch_or_late_rise_is_no_symptom(tmp_path: Path) -> None:
    found = explained(
        tmp_path,
        step=lambda n: {"train/loss": 4.9} if n == 3 else {},
        end=lambda n: {"time/images_per_s": 100.0} if n in (0, 7, 8) else {},
    )
    assert found.symptoms == {}


def test_a_loss_that_rises_for_good_is_no_spike(tmp_path: Path) -> None:
    found = explained(tmp_path, step=lambda n: {"train/loss": 2.0} if n >= 30 else {})
    assert "loss_spikes" not in found.symptoms


def test_a_network_that_knew_the_answer_from_the_start_may_get_worse_by_little(tmp_path: Path) -> None:
    found = explained(tmp_path, step=lambda n: {"train/loss": [0.01, 0.4][n == 20] if n else 0.005})
    assert found.symptoms == {}


def test_a_validation_loss_far_above_guessing_is_a_rate_too_high(tmp_path: Path) -> None:
    found = explained(tmp_path, end=lambda n: {"val/loss": 636.0} if n == 0 else {})
    assert found.symptoms["rate_too_high"].evidence[-1] == ("val/loss", 10, 636.0)


def test_a_loss_that_still_falls_is_no_news_of_a_run_that_goes_on(tmp_path: Path) -> None:
    falling = explained(tmp_path, step=lambda n: {"train/loss": 2.3 - 0.03 * n}, state="stopped")
    assert "too_short" not in falling.symptoms


@pytest.mark.parametrize("damage", ["", "{", "null\n", '{"step": 1}\n', None])
def test_an_empty_or_damaged_log_is_met_with_silence(damage: str | None, tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20", state="stopped")
    run.metrics_file.unlink() if damage is None else run.metrics_file.write_text(damage)
    found = explain(run)
    assert found.symptoms == {} and not any(each["measured"] for each in found.looked_for)


def test_symptoms_come_in_the_order_in_which_they_begin(tmp_path: Path) -> None:
    found = explained(
        tmp_path,
        step=lambda n: {"train/loss": 2.0} if n == 30 else {},
        end=lambda n: {"grad/clipped_fraction": 1.0, "val/loss": 0.5 + 0.02 * n},
    )
    assert list(found.symptoms) == ["overfitting", "loss_spikes", "clipping_always_on"]


def test_the_command_says_what_was_seen_where_and_what_to_try_and_ends_well(tmp_path: Path) -> None:
    explained(tmp_path, step=lambda n: {"train/loss": 2.0} if n == 30 else {})
    done = run_here("explain", "plain20", "--runs", str(tmp_path), folder=tmp_path)
    assert done.returncode == 0 and "Loss spikes" in done.stdout
    assert "Seen in: train/loss 2 at step 150" in done.stdout and "Try: optim.clip_norm=1" in done.stdout
    document = json.loads(run_here("explain", "plain20", "--json", "--runs", ".", folder=tmp_path).stdout)
    (symptom,) = document["symptoms"]
    assert symptom["evidence"] == [{"tag": "train/loss", "step": 150, "value": 2.0}]
    assert {each["name"] for each in document["looked_for"] if each["seen"]} == {"loss_spikes"}


def test_the_command_says_that_nothing_unusual_was_found_and_what_was_not_measured(tmp_path: Path) -> None:
    write_run(tmp_path, "resnet20", connection="add")
    done = run_here("explain", "resnet20", "--runs", str(tmp_path), folder=tmp_path)
    assert done.returncode == 0 and "Nothing unusual found.\n\nLooked for, not seen:\n- " in done.stdout
    assert "Looked for, not measured:\n- a gradient that is cut short" in done.stdout

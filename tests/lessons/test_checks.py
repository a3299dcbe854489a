"""Answers to the exercises of the lessons: the right ones pass, wrong ones fail in words that help."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import skiprun
from skiprun.claims.comparison import compare_runs
from skiprun.connections import Connection
from skiprun.errors import InputError
from skiprun.lessons import check, check_answer
from skiprun.lessons.exercises import EXERCISES, find_exercise
from skiprun.models.layers.block import BasicBlock
from skiprun.studies.gradflow import gradflow
from tests.support.fake_runs import write_run, write_trio


class BranchAlone(Connection):
    """A plain block: x is lost."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return fx


class Detached(Connection):
    """The sum, through which no gradient reaches x."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        return x.detach() + fx


class ReluBefore(nn.Module):
    """The second ReLU stands in front of the sum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.relu(self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x))))))


def zero_everything(model: nn.Module) -> None:
    for block in (each for each in model.modules() if isinstance(each, BasicBlock)):
        for parameter in block.parameters():
            nn.init.zeros_(parameter)


def squared_norms(model: nn.Module, images: Tensor, labels: Tensor) -> list[float]:
    nn.functional.cross_entropy(model(images), labels).backward()
    return [float(each.weight.grad.norm()) ** 2 for each in model.modules() if isinstance(each, nn.Conv2d)]


WRONG: Sequence[tuple[str, Any, str]] = [
    ("1.1", BranchAlone, "derivative of y by x: 0, expected 1"),
    ("1.1", Detached, "derivative of y by x: 0, expected 1"),
    (
        "1.1",
        lambda site: lambda x, fx: torch.cat([x, fx], 1),
        "It cannot be measured: RuntimeError: The size",
    ),
    ("1.1", "x + fx", "The answer is 'x + fx'; it must be a function."),
    ("1.2", ReluBefore, "lowest value of y: -"),
    ("1.2", lambda channels: nn.Conv2d(channels, channels, 3), "call the layers conv1, bn1, conv2, bn2"),
    ("1.3", 2752, "parameters of resnet20 beyond those of plain20: 2,752, expected 0: FAIL"),
    ("1.4", lambda model: None, "blocks whose output is their input: 0, expected 7: FAIL"),
    ("1.4", zero_everything, "blocks whose last scale gets a gradient: 0, expected 9: FAIL"),
    (
        "2.1",
        math.log2(10),
        "loss of saying 1/10 for each of ten classes: 3.322, expected 2.303 +- 0.005: FAIL",
    ),
    ("2.4", lambda deep, shallow: deep.load_state_dict(shallow.state_dict(), strict=False), "logits"),
    ("3.1", 0.8 * 50, "gradient at the first of 50 layers: 40, expected 1.427e-05"),
    (
        "3.2",
        lambda n: [2**k for k in range(n + 1)],
        "paths through 24 blocks: 33,554,431, expected 16,777,216",
    ),
    ("3.3", squared_norms, "largest relative difference from skiprun's own"),
    ("3.3", lambda model, images, labels: [1.0], "1 norms, and the network has 19 convolutions"),
    ("3.4", 1.21 * 48, "growth over 48 layers: 58.08, expected 9861"),
    ("4.1", nn.Conv2d(16, 32, 3, stride=2, padding=1), "weights: 4,640, expected 512: FAIL"),
    ("4.1", nn.Conv2d(16, 32, 1, bias=False), "height: 32, expected 16: FAIL"),
    ("4.2", lambda x: torch.cat([x, x], 1)[..., ::2, ::2], "largest difference from option A"),
    ("4.2", lambda x: x[..., ::2, ::2], "channels: 16, expected 32: FAIL"),
    ("4.3", 16 * 32 + 32 * 64, "2,560, expected 2,752"),
    ("4.4", 0.5, "share of the pixels of x that W x depends on: 0.5, expected 0.25"),
    ("4.5", nn.Conv2d(16, 32, 1, stride=2, bias=False), "depends on: 0.25, expected 1"),
    (
        "5.1",
        lambda one, other: (one & other).double().mean().item(),
        "IoU of a mask with itself: 0.5, expected 1",
    ),
    ("5.1", lambda one, other: None, "It cannot be measured: TypeError"),
    ("5.2", 4, "4, expected 16: FAIL"),
    ("5.3", 0, "parameters with concat beyond those with add: 0, expected 48,960: FAIL"),
]


@pytest.mark.parametrize(
    ("exercise", "answer", "words"), WRONG, ids=[f"{each[0]}: {each[2]}" for each in WRONG]
)
def test_a_wrong_answer_fails_and_is_told_what_was_found_and_expected(
    exercise: str, answer: object, words: str
) -> None:
    checked = check_answer(exercise, answer)
    assert checked.verdict == "FAIL"
    assert words in str(checked)
    assert checked.why or "must be" in str(checked)


def test_ratios_are_compared_with_those_of_the_runs(tmp_path: Path) -> None:
    comparison = compare_runs(write_trio(tmp_path))
    plain20, plain56, _ = comparison.groups
    deep, shallow = (group.by_seed("final.train.loss") for group in (plain56, plain20))
    ratios = {seed: deep[seed] / shallow[seed] for seed in deep}
    points = plain56.mean("final.train.error") - plain20.mean("final.train.error")
    assert check_answer("2.2", ratios, comparison).verdict == "PASS"
    assert check_answer("2.3", points, comparison).verdict == "PASS"
    turned = check_answer("2.2", {seed: 1 / ratio for seed, ratio in ratios.items()}, comparison)
    assert turned.verdict == "FAIL" and "your ratios over those of the runs: " in turned.found[0]
    assert check_answer("2.2", {0: ratios[0]}, comparison).verdict == "FAIL"  # two seeds are missing
    assert check_answer("2.2", {}, comparison).verdict == "FAIL"
    assert check_answer("2.3", points + 1, comparison).verdict == "FAIL"


def test_gains_of_skips_are_compared_with_those_of_the_runs(tmp_path: Path) -> None:
    runs = [
        write_run(
            tmp_path,
            f"cells-{name}",
            seed,
            model="unet",
            family="unet",
            connection=connection,
            task="segmentation",
            test={"iou": iou + seed / 100, "boundary": iou + 0.1},
            settings={"model": {"name": "unet", "connection": connection}},
        )
        for name, connection, iou in (("unet", "concat", 0.8), ("unet-connection-none", "none", 0.6))
        for seed in (0, 1)
    ]
    comparison = compare_runs(runs)
    assert check_answer("5.4", {0: 0.2, 1: 0.2}, comparison).verdict == "PASS"
    assert check_answer("5.5", 0.2, comparison).verdict == "PASS"
    assert check_answer("5.4", {0: -0.2, 1: -0.2}, comparison).verdict == "FAIL"
    assert check_answer("5.5", 0.1, comparison).verdict == "FAIL"


def test_the_growth_is_compared_with_that_of_the_study() -> None:
    model = skiprun.build_model("plain20", in_channels=1, width=4)
    batch = torch.rand(8, 1, 8, 8), torch.arange(8)
    document = {"facts": gradflow([model], [batch], nn.functional.cross_entropy).facts}
    assert check_answer("3.5", document["facts"]["growth_per_layer"], document).verdict == "PASS"
    assert check_answer("3.5", document["facts"]["growth_per_layer"] ** 18, document).verdict == "FAIL"


def unwritten(_n: int) -> list[int]:
    raise NotImplementedError


@pytest.mark.parametrize("answer", [..., unwritten])
def test_what_is_not_answered_is_open(answer: object) -> None:
    checked = check_answer("3.2", answer)
    assert checked.verdict == "OPEN" and "Nothing is answered yet" in str(checked)


@pytest.mark.parametrize("answer", [0.25, torch.tensor(0.25), np.float64(0.25)])
def test_a_number_may_be_one_of_torch_or_numpy(answer: object) -> None:
    assert check_answer("4.4", answer).verdict == "PASS"
    assert "must be a number" in str(check_answer("4.4", torch.ones(2)))


def test_an_exercise_about_a_measurement_asks_for_it() -> None:
    assert 'check("2.2", answer, comparison)' in str(check_answer("2.2", {0: 20.0}))


def test_an_exercise_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match=r"There is no exercise '6\.1'.* There are 1\.1, 1\.2"):
        check_answer("6.1", 1)


def test_checking_leaves_the_random_stream_alone(capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(1)
    first = torch.rand(3)
    torch.manual_seed(1)
    check("1.3", 0)
    assert torch.equal(torch.rand(3), first)
    assert capsys.readouterr().out.startswith("1.3 PASS\n  parameters of resnet20")


def test_each_exercise_has_a_wrong_answer_that_fails() -> None:
    find_exercise("1.1")
    of_runs = {"2.2", "2.3", "3.5", "5.4", "5.5"}  # above
    assert {exercise for exercise, *_ in WRONG} | of_runs == set(EXERCISES)

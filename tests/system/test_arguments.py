"""What Python gives to the functions that people call: refused in words, never by what breaks deep inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from torch import nn

import skiprun
from skiprun import experiment
from skiprun.config import Count, DataConfig
from skiprun.data import load_data
from skiprun.errors import InputError, OptionError
from skiprun.experiment import ComparisonRequest, compare, evaluate, plan_comparison, predict, train
from skiprun.models import build_model
from skiprun.system.arguments import fits, type_in_words
from tests.support.tiny import tiny_config

CPU = torch.device("cpu")
FACE = [
    skiprun.build_model,
    load_data,
    *(getattr(experiment, name) for name in experiment.__all__ if name.islower()),
]


@pytest.mark.parametrize("function", FACE, ids=lambda function: function.__name__)
def test_every_function_of_the_face_refuses_a_value_that_is_nothing_it_knows(
    function: Callable[..., Any],
) -> None:
    first = next(iter(inspect.signature(function).parameters))
    others = [each for each in inspect.signature(function).parameters.values() if each.default is each.empty]
    with pytest.raises(InputError, match=rf"^{function.__name__}\(\): {first} is <object.*; it must be "):
        function(*[object() for _ in others])
    with pytest.raises(TypeError, match="argument"):
        function(nothing_like_it=1) if others else function(*range(20))


@pytest.mark.parametrize(
    ("hint", "good", "bad", "words"),
    [
        (Count, [1, 7], [0, -1, True, 1.0, "1", None], "a whole number from 1 to 1,000,000,000"),
        (float | None, [1, 0.5, None], ["1", True], "a number or None"),
        (
            Sequence[Path | str],
            [["a"], (Path("a"),), []],
            ["a", b"a", [1], None],
            "a list, each a Path or a text",
        ),
        (Mapping[str, Any], [{}, {"a": object()}], [[], {1: 2}], "a dict"),
        (Callable[[str], None], [print], ["print", None], "a function"),
        (Literal["train", "val"], ["val"], ["test"], "'train' or 'val'"),
        (nn.Module, [nn.Identity()], [nn.Identity], "a Module"),
    ],
)
def test_a_value_fits_its_hint_or_is_told_what_it_must_be(
    hint: Any, good: list, bad: list, words: str
) -> None:
    assert all(fits(value, hint) for value in good) and not any(fits(value, hint) for value in bad)
    assert type_in_words(hint) == words


@pytest.mark.parametrize("value", [0, -1, "10", None, 2.5, True, []])
def test_a_network_needs_numbers_of_classes_and_channels(value: Any) -> None:
    for key in ("num_classes", "in_channels"):
        with pytest.raises(
            InputError, match=rf"{key} is .*; it must be a whole number from 1 to 1,000,000,000\."
        ):
            build_model("resnet20", **{key: value})
    with pytest.raises(OptionError, match="norm: found"):
        build_model("resnet20", norm=value)


@pytest.mark.parametrize("value", [0, -1, 0.5, "10", True, []])
def test_a_width_is_a_number_from_one_on(value: Any) -> None:
    with pytest.raises(OptionError, match="width: found"):
        build_model("resnet20", width=value)


def test_training_takes_what_a_file_would_hold(tmp_path: Path) -> None:
    plain = tiny_config(schedule={"steps": 2}).to_dict()
    assert train(plain, runs=tmp_path).state == "finished"
    assert train(tiny_config(schedule={"steps": 2}), runs=tmp_path).path == tmp_path / "run" / "seed-0"
    with pytest.raises(InputError, match=r"model: missing"):
        train({"data": {"name": "digits"}}, runs=tmp_path)


MISFITS = {
    "other channels": (("resnet20", 10, 3), "digits", r"does not take the data's images of 1x8x8"),
    "fewer classes": (
        ("resnet20", 5, 1),
        "digits",
        r"gives \[1, 5\] .* the 10 classes of the data need \[1, 10\]",
    ),
    "more classes": (("resnet20", 20, 1), "digits", r"gives \[1, 20\]"),
    "masks, not labels": (("unet", 10, 1), "digits", r"gives \[1, 10, 8, 8\]"),
    "labels, not masks": (("resnet20", 2, 1), "cells", r"gives \[1, 2\] .* need \[1, 2, 64, 64\]"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_a_network_is_scored_on_data_that_it_fits(misfit: str) -> None:
    network, name, words = MISFITS[misfit]
    data = load_data(DataConfig(name=name, batch_size=8), CPU)
    model = build_model(*network).train()
    with pytest.raises(InputError, match=words):
        evaluate(model, data)
    assert model.training


def test_a_network_that_fits_is_scored_and_what_is_for_a_run_is_refused() -> None:
    data, model = (
        load_data(DataConfig(name="digits"), CPU),
        build_model("resnet_cifar", 10, 1, depth=8, width=4),
    )
    assert evaluate(model, data)["error"] == evaluate(model, data, batch_size=1000)["error"]
    with pytest.raises(InputError, match="root and other_data are for a run"):
        evaluate(model, data, root="x")
    wrong: list[Any] = [0, -3, 10**10, "4"]
    for batch_size in wrong:
        with pytest.raises(
            InputError, match=r"batch_size is .*; it must be a whole number from 1 to 1,000,000,000 or None"
        ):
            evaluate(model, data, batch_size=batch_size)


def test_lists_that_are_empty_or_texts_are_refused(tmp_path: Path) -> None:
    run = train(tiny_config(schedule={"steps": 2}), runs=tmp_path)
    with pytest.raises(InputError, match="nothing to read"):
        predict(run, [])
    wrong: list[Any] = ["resnet20", [3]]
    for names in wrong:
        with pytest.raises(InputError, match=r"names is .*; it must be a list, each a text"):
            compare(names)
    with pytest.raises(InputError, match=r"name: found '-resnet20'"):
        plan_comparison(ComparisonRequest(["resnet20"], prefix=""))

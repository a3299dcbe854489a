"""What a command line says of a config: names as typed, bare KEY=VALUE, and whom a problem is blamed on."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun import experiment
from skiprun.cli.app import app
from skiprun.cli.options import apart
from skiprun.config import RunConfig
from skiprun.config.templates import DIGITS
from skiprun.errors import ConfigError, InputError
from skiprun.experiment.named import config_for, label_of
from tests.support import CONFIGS

SMOKE = str(CONFIGS / "smoke.yaml")


class Seen(Exception):
    """Ends a command once what it would train is known."""


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[RunConfig]]:
    """Return what a command line would train."""

    def seen(config: Any, **_: Any) -> None:
        raise Seen([config])

    def seen_all(planned: Any, *_: Any, **__: Any) -> None:
        raise Seen([item.config for item in planned])

    monkeypatch.setattr(experiment, "train", seen)
    monkeypatch.setattr(
        importlib.import_module("skiprun.experiment.run_comparison"), "train_missing", seen_all
    )
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> list[RunConfig]:
        error = CliRunner().invoke(app, [*words, "-q"]).exception
        if isinstance(error, Seen):
            found: list[RunConfig] = error.args[0]
            return found
        assert error is not None
        raise error

    return called


@pytest.mark.parametrize("name", ["20241125", "007", "1e3", "2024-11-25", "3.5", "true", "null", "off"])
def test_b58_the_name_of_a_run_is_what_is_typed(name: str, configs: Callable[..., list[RunConfig]]) -> None:
    assert configs("train", SMOKE, "--name", name)[0].name == name


@pytest.mark.parametrize("name", ["a: b", "[x]", "", "../x", 'a"b', "a\nb"])
def test_b58_what_no_run_can_be_called_is_refused_as_typed(
    name: str, configs: Callable[..., list[RunConfig]]
) -> None:
    if name:
        with pytest.raises(InputError, match=r"name"):
            configs("train", SMOKE, "--name", name)
    else:
        assert configs("train", SMOKE)[0].name == "smoke"


def test_bare_overrides_are_those_of_set(configs: Callable[..., list[RunConfig]]) -> None:
    (bare,) = configs("train", SMOKE, "optim.lr=0.03", "seed=4")
    (by_option,) = configs("train", SMOKE, "--set", "optim.lr=0.03", "--set", "seed=4")
    assert bare == by_option
    assert (bare.optim.lr, bare.seed) == (0.03, 4)


def test_compare_takes_bare_overrides_too(configs: Callable[..., list[RunConfig]]) -> None:
    plain, highway = configs(
        "compare", "resnet20", "resnet20:connection=highway", "optim.lr=0.03", "--jobs", "1"
    )
    assert (plain.optim.lr, highway.optim.lr, highway.model.connection) == (0.03, 0.03, "highway")


@pytest.mark.parametrize("command", ["gradflow", "shatter"])
def test_studies_take_bare_overrides_too(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, [command, "resnet20", "model.widht=4"]).exception
    assert "--set model.widht: unknown key. Did you mean 'width'?" in str(error)


def test_a_file_whose_name_looks_like_an_override_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lr=1.yaml").write_text("")
    given = ["lr=1.yaml", "optim.lr=1", "resnet20:connection=none", "configs/x.yaml"]
    assert apart(given, ["seed=1"]) == (["lr=1.yaml", *given[2:]], ["seed=1", "optim.lr=1"])


def test_overrides_alone_are_told_what_is_missing(configs: Callable[..., list[RunConfig]]) -> None:
    with pytest.raises(InputError, match=r"optim\.lr=1: name a config too"):
        configs("train", "optim.lr=1")


def test_an_option_of_the_run_behind_the_colon_is_blamed_on_the_name(
    configs: Callable[..., list[RunConfig]],
) -> None:
    for name in ("resnet20:optim.lr=0.1", "resnet20:connection=none,data.batch_size=4"):
        with pytest.raises(InputError, match=rf"^{name}: behind the colon stand options of the network"):
            configs("compare", name)


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "NAME"],
        ["gradflow", "NAME"],
        ["models", "show", "NAME"],
        ["models", "cost", "NAME"],
        ["evaluate", "weights.pt", "--data", "digits", "--model", "NAME"],
    ],
    ids=lambda command: command[0],
)
def test_an_option_behind_a_name_is_blamed_on_the_name(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, why in (("resnet20:width=x", "found 'x'"), ("resnet20:width", "found no 'key=value'")):
        error = CliRunner().invoke(app, [name if word == "NAME" else word for word in command]).exception
        said = f"--model {name}" if "--model" in command else name
        assert isinstance(error, InputError) and str(error).startswith(f"{said} model.width: {why}")
        assert "--set" not in str(error)


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("resnet20:width=4", "model.width=8"),
        ("resnet20:shortcut=B,connection=highway", " model.connection =none"),
        ("resnet20:connection=rezero,connection_options.init=1", "model.connection_options={init: 0}"),
        ("resnet20", "model.name=plain56"),
        ("resnet20", "model={name: resnet20}"),
    ],
)
def test_a_network_is_what_it_is_called(
    name: str, other: str, configs: Callable[..., list[RunConfig]]
) -> None:
    for words in (["compare", name, "--set", other], ["gradflow", name, "--set", other]):
        with pytest.raises(
            InputError, match=rf"^--set {re.escape(other)}: {name} says that itself; give one"
        ):
            configs(*words)
    assert config_for(name, DIGITS, ["optim.lr=0.1"]).optim.lr == 0.1


def test_an_unknown_option_behind_the_colon_is_blamed_on_the_name() -> None:
    with pytest.raises(
        InputError, match=r"^resnet20:widht=4 model\.widht: unknown key\. Did you mean 'width'\?"
    ):
        config_for("resnet20:widht=4", DIGITS, ())
    with pytest.raises(InputError, match=r"^resnet20:a\.b=4 model\.a: unknown key\."):
        config_for("resnet20:a.b=4", DIGITS, ())


def test_a_name_of_many_options_is_cut_and_stays_its_own() -> None:
    network = "resnet56:connection=shortcut_only_gating,connection_options.bias="
    one, other = (config_for(f"{network}{bias}", DIGITS, ()).name for bias in (-6, 0))
    assert one != other and len(one) == len(other) == 64
    assert one.startswith("digits-resnet56-connection-shortcut_only_gating-connect-")
    assert config_for("resnet56:connection=highway", DIGITS, ()).name == "digits-resnet56-connection-highway"


def test_the_device_that_others_call_gpu(configs: Callable[..., list[RunConfig]]) -> None:
    with pytest.raises(InputError, match=r"Did you mean 'cuda'\?"):
        configs("train", SMOKE, "--device", "gpu")


@pytest.mark.parametrize(
    ("given", "blamed"),
    [
        (["--root", "nowhere"], "--root data.root: found nowhere, which dataset 'digits' has no use for"),
        (["--skip-bad"], "--skip-bad data.skip_bad: found true, which dataset 'digits' has no use for"),
        (["--device", "gpu"], "--device compute.device: found 'gpu'"),
        (["--seed", "-1"], "--seed seed: found -1"),
        (["--name", "a/b"], "--name name: found 'a/b'"),
        (["--set", "data.root=nowhere"], "--set data.root: found nowhere"),
    ],
)
def test_an_option_is_blamed_as_it_was_typed(
    given: list[str], blamed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text("model: {name: resnet20}\ndata: {name: digits}\nschedule: {steps: 1}\n")
    refused = CliRunner().invoke(app, ["train", "c.yaml", *given]).exception
    assert isinstance(refused, ConfigError) and str(refused).startswith(blamed)


def test_options_that_differ_in_a_sign_alone_are_two_runs() -> None:
    assert label_of("resnet56:connection_options.bias=-6") != label_of("resnet56:connection_options.bias=6")
    assert label_of("resnet56:connection=highway") == "resnet56-connection-highway"

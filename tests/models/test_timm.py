"""Architectures of timm by their names: from a stand-in for the package, and from timm itself where it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import skiprun
from skiprun.config_file import build_config, options_behind, split_options
from skiprun.errors import ConfigError, InputError, OptionError
from skiprun.experiment.contracts import Contract, Subject, contracts_of
from skiprun.models import build_model
from skiprun.models.complexity.catalog import describe_models
from skiprun.models.families.timm import find_timm
from skiprun.registry import MODELS
from tests.support.command_line import run_here


class Small(nn.Module):
    """A network as timm has them: its arguments have timm's names."""

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(in_chans, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.drop, self.fc = nn.Dropout(drop_rate), nn.Linear(4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.bn1(self.conv1(x)).relu().mean((2, 3))
        return self.fc(self.drop(features))


class Fixed(Small):
    """A network for images of one size, as vision transformers are."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[-1] == 16, f"Input height ({x.shape[-1]}) doesn't match model (16)."
        return super().forward(x)


KINDS = {"small": Small, "fixed": Fixed}


def create_model(name: str, pretrained: bool, **options: Any) -> nn.Module:
    assert not pretrained, "nothing is fetched"
    return KINDS[name](**options)


@pytest.fixture
def timm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A package of the name with two networks."""
    stand_in = ModuleType("timm")
    stand_in.__dict__.update(
        __version__="1.0",
        create_model=create_model,
        is_model=lambda name: name in KINDS,
        list_models=lambda: [*KINDS],
        get_pretrained_cfg=lambda name, **_: SimpleNamespace(input_size=(3, 16, 16)),
    )
    monkeypatch.setitem(sys.modules, "timm", stand_in)
    find_timm.cache_clear()
    return stand_in


@pytest.fixture(autouse=True)
def forget() -> Any:
    yield
    find_timm.cache_clear()


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("resnet20:width=8", ("resnet20", "width=8")),
        ("timm:resnet18", ("timm:resnet18", "")),
        ("timm:vgg11:options.drop_rate=0.1", ("timm:vgg11", "options.drop_rate=0.1")),
    ],
)
def test_the_name_of_the_package_is_no_architecture_with_options(name: str, parts: tuple[str, str]) -> None:
    assert split_options(name) == parts
    assert len(options_behind(name)) == bool(parts[1])


def test_a_network_is_built_for_the_data_with_its_options(timm: ModuleType) -> None:
    network = build_model("timm:small", 7, 1, drop_rate=0.5)
    assert isinstance(network, Small)
    assert network.conv1.in_channels == 1 and network.fc.out_features == 7 and network.drop.p == 0.5
    assert MODELS["timm:small"].info.input == (3, 16, 16)
    assert "timm:small" in MODELS and "timm:small" not in MODELS.names()


@pytest.mark.parametrize("contract", contracts_of("model"), ids=lambda contract: contract.test.__name__)
def test_it_keeps_the_contracts_of_architectures(contract: Contract, timm: ModuleType) -> None:
    outcome = contract.outcome(Subject("model", MODELS["timm:small"]))
    assert outcome.kept is not False, outcome.why


def test_it_is_trained_scored_and_studied_as_any_other(timm: ModuleType, tmp_path: Path) -> None:
    small = {"schedule.epochs": 0.2, "log.tensorboard": False, "compute.compile": "off"}
    run = skiprun.train("timm:small", overrides=small, runs=tmp_path)
    assert run.path.parent.name == "digits-timm-small"
    assert skiprun.evaluate(run)["error"] == pytest.approx(run.summary()["test"]["error"])
    assert skiprun.study("gradflow", "timm:small", seeds=1, batches=1, runs=tmp_path).verdicts
    with pytest.raises(InputError, match="has no connection sites, and this study needs them"):
        skiprun.study("lesion", run, runs=tmp_path)
    again = skiprun.train(
        "timm:small", overrides={**small, "name": "again", "model.weights": str(run.path)}, runs=tmp_path
    )
    assert again.state == "finished"


def test_it_is_counted_and_shown_by_its_name(timm: ModuleType, tmp_path: Path) -> None:
    (row,) = describe_models("timm:small")
    assert row["parameters"] == 3 * 4 * 9 + 8 + 5 * 10 and row["connections"] == []
    shown = run_here("models", "show", "timm:small", folder=tmp_path)
    assert shown.returncode == 0 and "conv1" in shown.stdout and "drop_path_rate" in shown.stdout


CONFIG = {"data": {"name": "digits"}, "schedule": {"epochs": 1}}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: MODELS["timm:smal"], InputError, "timm has no model 'smal'. Did you mean 'small'?"),
        (lambda: MODELS["timm:small.a1_in1k"], InputError, "'a1_in1k' names weights; write timm:small, and"),
        (lambda: build_model("timm:small", connection="add"), OptionError, "no connection sites"),
        (lambda: build_model("timm:small", img_size=8), OptionError, "img_size: timm's small has no such"),
        (
            lambda: skiprun.train({**CONFIG, "name": "x", "model": {"name": "timm:fixed"}}),
            InputError,
            r"Images of 1x8x8 do not pass through this network: Input height \(8\)",
        ),
        (
            lambda: build_config({**CONFIG, "name": "x", "model": {"name": "timm:small", "drop_rate": 0.1}}),
            ConfigError,
            "model.drop_rate: unknown key",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_words(
    make: Callable[[], object],
    error: type[Exception],
    words: str,
    timm: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=words):
        make()
    assert not (tmp_path / "runs").exists()


def test_without_timm_the_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    find_timm.cache_clear()
    with pytest.raises(InputError, match=r"need timm: pip install 'skiprun\[timm\]'"):
        build_model("timm:resnet18")


@pytest.mark.skipif(find_spec("timm") is None, reason="pip install skiprun[timm]")
def test_a_network_of_timm_itself_is_that_of_timm() -> None:
    import timm

    torch.manual_seed(0)
    ours = build_model("timm:resnet10t", 5, 1)
    torch.manual_seed(0)
    theirs = timm.create_model("resnet10t", num_classes=5, in_chans=1)
    assert all(torch.equal(value, theirs.state_dict()[key]) for key, value in ours.state_dict().items())
    assert MODELS["timm:resnet10t"].info.input == (3, 176, 176)

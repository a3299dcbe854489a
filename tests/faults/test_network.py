"""Nothing asks for another machine unless a flag says so (F57): every command is watched at the sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from skiprun.registry import DATASETS
from tests.faults.test_configs import call

DATASETS.fill()
PUBLISHED = sorted(name for name, entry in DATASETS.entries.items() if entry.info.download)
CONFIG = (
    "model: {name: resnet18}\ndata: {name: digits, batch_size: 64}\nschedule: {steps: 2}\nlog: {every: 1}\n"
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """Collect what other machines are asked for, by name or by connection; none answers."""
    hosts: list[str] = []

    def refuse(*arguments: object, **keywords: object) -> None:
        hosts.append(str(next(each for each in arguments if not isinstance(each, socket.socket))))
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "config.yaml").write_text(CONFIG)
    yield hosts


def train(folder: Path, *settings: str) -> int:
    return call(folder, "train", "config.yaml", *(word for each in settings for word in ("--set", each)))


@pytest.mark.parametrize("name", PUBLISHED)
def test_F57_a_published_dataset_is_fetched_with_its_flag_only(
    name: str, asked: list[str], tmp_path: Path
) -> None:
    network = ["model.name=unet", "data.image_size=32"] if DATASETS[name].info.task == "segmentation" else []
    assert train(tmp_path, f"data.name={name}", *network) == 2
    assert asked == []
    assert train(tmp_path, f"data.name={name}", *network, "data.download=true") == 2
    assert asked, "the watch sees nothing"


def test_given_weights_are_fetched_with_their_flag_only(asked: list[str], tmp_path: Path) -> None:
    assert train(tmp_path, "model.weights=DEFAULT") == 4
    assert asked == []
    assert train(tmp_path, "model.weights=DEFAULT", "model.download_weights=true") == 4
    assert asked, "the watch sees nothing"


def test_no_command_asks_for_another_machine(asked: list[str], tmp_path: Path) -> None:
    for command in (
        ["doctor", "config.yaml", "--set", "model.name=resnet20"],
        ["train", "config.yaml", "--set", "model.name=resnet20", "--name", "small"],
        ["evaluate", "small"],
        ["resume", "small", "--verify", "2"],
        ["runs"],
        ["models", "resnet2*"],
        ["datasets"],
    ):
        assert call(tmp_path, *command) == 0, command
    assert asked == []

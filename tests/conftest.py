"""What all tests share: no network, one thread, an environment and a data folder of their own."""

import logging
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import torch

from tests.support.plugins import forget_plugins

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test that opens a connection to another machine fail."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family != socket.AF_UNIX and host not in ("127.0.0.1", "localhost", "::1"):
            raise OSError(101, "Network is unreachable")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Undo what a test leaves in the environment, such as the safe path that commands set for children."""
    with mock.patch.dict(os.environ):
        yield


@pytest.fixture(autouse=True)
def own_registries() -> Iterator[None]:
    """Undo what a test imports and registers from outside the package."""
    yield
    forget_plugins()


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what a command that is called by a test does to the logger."""
    logger = logging.getLogger("skiprun")
    handlers, level = logger.handlers.copy(), logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session")
def data_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all data folders, as pytest looks through its own for the next number at each new one."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def own_data_folder(monkeypatch: pytest.MonkeyPatch, data_folders: Path) -> Path:
    """Keep the user's cache out of the tests."""
    folder = Path(tempfile.mkdtemp(dir=data_folders))
    monkeypatch.setenv("SKIPRUN_DATA", str(folder))
    return folder

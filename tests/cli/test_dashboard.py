"""`skiprun dashboard`: it serves this machine only, ends as a whole, names a free port for a taken one."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from skiprun.cli import dashboard
from skiprun.cli.dashboard import free_port, serve_tensorboard
from skiprun.errors import InputError
from tests.experiment.test_processes import session


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_wrong_input_and_a_free_one_is_named(taken: int, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=rf"--port {taken}: .* already in use\. Port \d+ is free\."
    ) as caught:
        serve_tensorboard(str(tmp_path), taken)
    assert caught.value.exit_code == 2
    assert f"Port {taken} is free" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_server_ends_with_the_command_also_when_that_is_killed(tmp_path: Path) -> None:
    """In a folder with files that its libraries might import."""
    for name in ("tensorboard", "random", "signal", "queue"):
        (tmp_path / f"{name}.py").write_text(
            f"open('ran', 'a').write({name!r})\nraise SystemExit({name!r})\n"
        )
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-m", "skiprun", "dashboard", "--port", str(free_port())]
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as shown:
        assert shown.stderr is not None
        address = next(
            found[0] for line in shown.stderr if (found := re.search(r"http://127.0.0.1:\d+/", line))
        )
        assert urllib.request.urlopen(address, timeout=60).status == 200
        os.kill(shown.pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while session(shown.pid):
        assert time.monotonic() < until, "a process outlives the dashboard"
        time.sleep(0.05)
    with pytest.raises(OSError):
        urllib.request.urlopen(address, timeout=5)
    assert not (tmp_path / "ran").exists()


def test_an_interrupt_that_comes_just_before_a_sleep_is_seen_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python looks for signals between its instructions, and a sleep that begins then is not cut short."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr(dashboard, "serve_tensorboard", lambda folder, port: "http://127.0.0.1:1/")
    with pytest.raises(KeyboardInterrupt):
        dashboard.dashboard(tmp_path)
    assert len(slept) == 1 and slept[0] <= 1


def test_tensorboard_takes_no_signal_over(tmp_path: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    serve_tensorboard(str(tmp_path), free_port())
    assert [signal.getsignal(number) for number in numbers] == before


def test_a_name_means_a_folder_or_a_run_or_a_comparison_of_the_folder_of_runs(tmp_path: Path) -> None:
    run, comparison = tmp_path / "digits-plain20", tmp_path / "comparisons" / "plain20-resnet20"
    for folder in (run / "seed-0", comparison):
        folder.mkdir(parents=True)
    (run / "seed-0" / "config.yaml").touch()
    assert dashboard.board_folder(None, tmp_path) == tmp_path
    assert dashboard.board_folder(run, Path("elsewhere")) == run
    assert dashboard.board_folder(Path("digits-plain20"), tmp_path) == run
    assert dashboard.board_folder(Path("plain20-resnet20"), tmp_path) == comparison
    with pytest.raises(InputError, match=r"No run and no comparison .* Did you mean 'digits-plain20'"):
        dashboard.board_folder(Path("digits-plain2"), tmp_path)

"""`skiprun dashboard`: TensorBoard over the runs."""

from __future__ import annotations

import socket
import time
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, RunsFolder
from skiprun.cli.terminal import say
from skiprun.errors import InputError, SkiprunError

# TensorBoard thins a tag to 1,000 points unless told otherwise.
SAMPLES = "scalars=10000,images=200"


def dashboard(
    runs: RunsFolder = RUNS,
    port: Annotated[
        int | None, typer.Option(help="Port; default: 6006 or the next free one.", min=1, max=65535)
    ] = None,
) -> None:
    """Show all runs in TensorBoard until Ctrl-C. On this machine only."""
    if not runs.is_dir():
        raise InputError(f"{runs}: there is no such folder; train something first.")
    say(f"TensorBoard over {runs} at {serve_tensorboard(str(runs), port)}  (Ctrl-C ends it)")
    while True:
        time.sleep(1)  # a Ctrl-C that comes just before a sleep is seen after it


def serve_tensorboard(folder: str, port: int | None) -> str:
    """Let a thread serve TensorBoard, so that it ends with this process, and return its address.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        from tensorboard import default, program
    except ImportError as error:
        raise SkiprunError(f"TensorBoard cannot be imported ({error}). Install it again.") from None
    server = program.TensorBoard(default.get_plugins())
    words = [f"--logdir={folder}", "--host=127.0.0.1", f"--samples_per_plugin={SAMPLES}"]
    server.configure(["tensorboard", *words], port=port)
    try:
        return str(server.launch())
    except program.TensorBoardServerException as error:
        raise InputError(f"--port {port}: {error.msg}. Port {free_port()} is free.") from None


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

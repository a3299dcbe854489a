"""`skiprun dashboard`: TensorBoard over the runs."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, RunsFolder
from skiprun.cli.terminal import say
from skiprun.errors import InputError

# TensorBoard thins a tag to 1,000 points unless told otherwise.
SAMPLES = "scalars=10000,images=200"


def dashboard(
    runs: RunsFolder = RUNS,
    port: Annotated[int | None, typer.Option(help="Port; default: 6006 or the next free one.")] = None,
) -> None:
    """Show all runs in TensorBoard, on this machine only, until Ctrl-C."""
    if not runs.is_dir():
        raise InputError(f"{runs}: there is no such folder; train something first.")
    chosen = port or free_port(6006)
    say(f"TensorBoard over {runs} at http://127.0.0.1:{chosen}  (Ctrl-C ends it)")
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(runs), "--host", "127.0.0.1"]
    ended = subprocess.run([*command, "--port", str(chosen), "--samples_per_plugin", SAMPLES], check=False)
    raise typer.Exit(ended.returncode)


def free_port(first: int) -> int:
    """Return the first port from a number on that nobody listens on; any free one after 20 tries."""
    for port in [*range(first, first + 20), 0]:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise InputError(f"No port is free from {first} on; name one with --port.")

"""`skiprun dashboard`: TensorBoard over the runs."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.options import RUNS, RunsFolder, user_path
from skiprun.cli.terminal import say
from skiprun.errors import InputError, SkiprunError

# TensorBoard thins a tag to 1,000 points unless told otherwise.
SAMPLES = "scalars=10000,images=200"


def dashboard(
    name: Annotated[
        Path | None,
        typer.Argument(
            metavar="[NAME]",
            parser=user_path,
            help="A run or a comparison, by its folder or name; none: all runs.",
        ),
    ] = None,
    runs: RunsFolder = RUNS,
    port: Annotated[
        int | None, typer.Option(help="Port; default: 6006 or the next free one.", min=1, max=65535)
    ] = None,
) -> None:
    """Show runs in TensorBoard until Ctrl-C. On this machine only.

    Of a comparison it shows each network as the mean, the lowest and the highest of its seeds.
    """
    from skiprun.run.trash import TRASH

    folder = board_folder(name, runs)
    if (folder / TRASH).exists():
        say(f"It shows the runs in {folder / TRASH}, too; `skiprun runs rm --purge` empties that.")
    say(f"TensorBoard over {folder} at {serve_tensorboard(str(folder), port)}  (Ctrl-C ends it)")
    while True:
        time.sleep(1)  # a Ctrl-C that comes just before a sleep is seen after it


def board_folder(name: Path | None, runs: Path) -> Path:
    """Return the folder that TensorBoard reads."""
    if name is None:
        if not runs.is_dir():
            raise InputError(f"{runs}: there is no such folder; train something first.")
        return runs
    for folder in (name, runs / name, runs / "comparisons" / name):
        if folder.is_dir():
            return folder
    from skiprun.run import nearest_run

    raise InputError(f"No run and no comparison in {runs} is called '{name}'.{nearest_run(runs / name)}")


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

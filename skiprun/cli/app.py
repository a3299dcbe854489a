"""The application: its commands, its version, and how an error becomes one message and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

import skiprun
from skiprun.cli.groups import Application
from skiprun.errors import (
    EndedElsewhere,
    InputError,
    SkiprunError,
    Stopped,
    exit_code,
    is_out_of_memory,
    out_of_memory,
    with_type,
)
from skiprun.system.machine import leave_imports_alone, trust_no_working_folder
from skiprun.system.ranks import is_first_rank, rank_of_torchrun

app = typer.Typer(
    name="skiprun",
    cls=Application,
    help="A laboratory bench for skip connections.",
    epilog="Example: skiprun compare plain20 plain56 resnet56",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


SHARED = ("train", "resume")  # what several ranks do together


def show_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        typer.echo(f"skiprun {skiprun.__version__}")
        raise typer.Exit


@app.callback()
def global_options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _plugins: Annotated[
        list[str] | None,
        typer.Option(
            "--import", metavar="FILE.py", help="Import a plug-in of your own first; anywhere on the line."
        ),
    ] = None,
    _version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
) -> None:
    """A laboratory bench for skip connections."""
    from skiprun.cli.terminal import start_logging

    start_logging()
    if debug:
        os.environ["SKIPRUN_DEBUG"] = "1"
    if rank_of_torchrun() is not None and context.invoked_subcommand not in SHARED:
        raise InputError(
            f"torchrun starts one run on several devices: `torchrun ... -m skiprun train CONFIG`. "
            f"`skiprun {context.invoked_subcommand}` is started once, without it."
        )


def main() -> None:
    """Run the command line; every error ends in one message on stderr and its own exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    if not is_first_rank():  # the results of a command are printed once
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - until this process ends
    leave_imports_alone()
    trust_no_working_folder()
    threading.excepthook = lambda _: None  # what fails in a thread fails again where its work is waited for
    try:
        app()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # one more would interrupt the interpreter's own end
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("SKIPRUN_DEBUG"):
            raise
        from skiprun.cli.terminal import complain, say

        if isinstance(error, Stopped):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            say(str(error))  # what was asked for is no error
        elif not isinstance(error, EndedElsewhere):
            complain(str(error) if isinstance(error, SkiprunError) else unforeseen(error))
        sys.exit(exit_code(error))


def unforeseen(error: Exception) -> str:
    """Return words for an error that nobody has put in words."""
    if is_out_of_memory(error):
        return f"{out_of_memory(error)} Free some, or look at fewer or smaller images at a time."
    return f"{with_type(error)} (`skiprun --debug ...` shows where)"

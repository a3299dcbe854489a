"""The application: its commands, its version, and how an error becomes one message and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

import skiprun
from skiprun.cli import compare, dashboard, evaluate, listings, models, predict, runs, train
from skiprun.cli.terminal import complain
from skiprun.errors import SkiprunError

app = typer.Typer(
    name="skiprun",
    help="A laboratory bench for skip connections.",
    epilog="Example: skiprun compare plain20 plain56 resnet56",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def show_version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        typer.echo(f"skiprun {skiprun.__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
) -> None:
    """A laboratory bench for skip connections."""
    if debug:
        os.environ["SKIPRUN_DEBUG"] = "1"


app.command(epilog="Example: skiprun train configs/resnet56_cifar.yaml --set optim.lr=0.05")(train.train)
app.command(epilog="Example: skiprun compare plain20 plain56 resnet56 --seeds 3")(compare.compare)
app.command(epilog="Example: skiprun evaluate runs/smoke/seed-0 --split val")(evaluate.evaluate)
app.command(epilog="Example: skiprun predict runs/smoke/seed-0 seven.png")(predict.predict)
app.add_typer(models.app, name="models")
app.command(epilog="Example: skiprun datasets --json")(listings.datasets)
app.command(epilog="Example: skiprun connections")(listings.connections)
app.command(epilog="Example: skiprun probes")(listings.probes)
app.add_typer(runs.app, name="runs")
app.command(epilog="Example: skiprun dashboard --port 6006")(dashboard.dashboard)


def main() -> None:
    """Run the command line; every SkiprunError ends in one message on stderr and its own exit code."""
    try:
        app()
    except SkiprunError as error:
        if os.environ.get("SKIPRUN_DEBUG"):
            raise
        complain(str(error))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)

"""The application: its commands, its version, and how an error becomes one message and an exit code."""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from typing import Annotated

import typer

import skiprun
from skiprun.cli import (
    check,
    compare,
    config,
    dashboard,
    data,
    doctor,
    draw,
    evaluate,
    explain,
    export,
    export_runs,
    keep_runs,
    lesson,
    listings,
    lr_find,
    models,
    new,
    noise,
    predict,
    reproduce,
    resume,
    runs,
    study,
    sweep,
    train,
)
from skiprun.cli.groups import WithStudies
from skiprun.cli.options import WithRay
from skiprun.cli.terminal import complain, leave_talk_to_first_rank, say, start_logging
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
from skiprun.system.ranks import rank_of_torchrun

app = typer.Typer(
    name="skiprun",
    cls=WithStudies,
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
    start_logging()
    if debug:
        os.environ["SKIPRUN_DEBUG"] = "1"
    if rank_of_torchrun() is not None and context.invoked_subcommand not in SHARED:
        raise InputError(
            f"torchrun starts one run on several devices: `torchrun ... -m skiprun train CONFIG`. "
            f"`skiprun {context.invoked_subcommand}` is started once, without it."
        )


app.command(epilog="Example: skiprun train configs/resnet56_cifar.yaml --set optim.lr=0.05")(train.train)
app.command(epilog="Example: skiprun compare plain20 plain56 resnet56 --seeds 3", cls=WithRay)(
    compare.compare
)
app.command(epilog="Example: skiprun sweep configs/sweeps/rates_digits.yaml --halving", cls=WithRay)(
    sweep.sweep
)
app.command(epilog="Example: skiprun reproduce all --budget toy", cls=WithRay)(reproduce.reproduce)
app.command(epilog="Example: skiprun noise resnet20 --seeds 10 --sources init,order", cls=WithRay)(
    noise.noise
)
app.command(epilog="Example: skiprun resume runs/smoke/seed-0 --epochs 10")(resume.resume)
app.command(epilog="Example: skiprun doctor configs/resnet56_cifar.yaml")(doctor.doctor)
app.command(epilog="Example: skiprun data configs/smoke.yaml")(data.data)
app.command("lr-find", epilog="Example: skiprun lr-find configs/smoke.yaml optim.name=adamw")(lr_find.lr_find)
app.command(epilog="Example: skiprun evaluate runs/smoke/seed-0 --split val")(evaluate.evaluate)
app.command(epilog="Example: skiprun predict runs/smoke/seed-0 seven.png")(predict.predict)
app.command(epilog="Example: skiprun export runs/smoke/seed-0 --onnx smoke.onnx")(export.export)
app.command(epilog="Example: skiprun new resnet18_folder flowers.yaml")(new.new)
app.command(epilog="Example: skiprun lesson 1")(lesson.lesson)
app.command(epilog="Example: skiprun check halved.py")(check.check)
app.command(epilog="Example: skiprun config data.augment")(config.config)
models.app.command(epilog="Example: skiprun models draw resnet56:connection=highway")(draw.draw)
app.add_typer(models.app, name="models")
app.command(epilog="Example: skiprun datasets --json")(listings.datasets)
app.command(epilog="Example: skiprun connections")(listings.connections)
app.command(epilog="Example: skiprun probes")(listings.probes)
runs.app.command(epilog="Example: skiprun runs export state=finished --to mlflow")(export_runs.export)
runs.app.command(epilog="Example: skiprun runs tag digits-resnet56 paper baseline")(keep_runs.tag)
runs.app.command(epilog="Example: skiprun runs rm smoke digits-plain20/seed-3")(keep_runs.rm)
runs.app.command(epilog="Example: skiprun runs restore smoke")(keep_runs.restore)
app.add_typer(runs.app, name="runs")
app.command(epilog="Example: skiprun explain digits-plain56/seed-0")(explain.explain)
app.add_typer(study.app, name="studies")
app.command(epilog="Example: skiprun dashboard --port 6006")(dashboard.dashboard)


def main() -> None:
    """Run the command line; every error ends in one message on stderr and its own exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may hold what the terminal's encoding does not.
        sys.stdout.reconfigure(errors="backslashreplace")
    leave_talk_to_first_rank()
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

"""`skiprun resume`: continue a run from its own config, or replay its steps to check reproducibility."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import OutputOptions, with_groups
from skiprun.cli.options import Root, RunArgument
from skiprun.cli.terminal import emit, people, say, set_quiet
from skiprun.display.board import Board
from skiprun.display.scores import test_scores
from skiprun.errors import InputError
from skiprun.system.ranks import is_first_rank


@dataclass(frozen=True)
class LengthOptions:
    """How long a run is to be in the end."""

    epochs: Annotated[
        float | None,
        typer.Option(min=0, help="Make the run longer, also one that stopped early: its whole length."),
    ] = None
    steps: Annotated[int | None, typer.Option(min=1, help="The same, of a schedule that counts steps.")] = (
        None
    )
    lr: Annotated[
        float | None, typer.Option(min=0, help="Rate of a schedule that begins again; default: optim.lr.")
    ] = None


@with_groups
def resume(
    run: RunArgument,
    *,
    verify: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Train N steps again, compare, and change nothing.")
    ] = None,
    longer: LengthOptions,
    root: Root = None,
    output: OutputOptions,
) -> None:
    """Continue RUN to its end, or a later one. With --verify, train again from previous.pt and compare."""
    refuse_mixed_options(verify, longer)

    from skiprun import experiment
    from skiprun.experiment.data_place import config_with_data
    from skiprun.experiment.longer import lengthen

    opened = experiment.load_run(run, output.runs)
    if verify is not None:
        show_replay(opened, verify, root, output.json)
        return
    config, first = opened.config, is_first_rank()
    if opened.path != type(opened).of(opened.path.parent.parent, config).path:
        raise InputError(
            f"{opened.path} was moved: its config.yaml says {config.name}/seed-{config.seed}. Move it back."
        )
    set_quiet(output.silent)
    if longer.epochs is not None:
        config = lengthen(opened, longer.epochs, "epochs", longer.lr, root)
    if longer.steps is not None:
        config = lengthen(opened, longer.steps, "steps", longer.lr, root)
    if not opened.summary_file.exists():
        config = config_with_data(opened, root)
    with Board(people, output.silent or not first) as board:
        done = experiment.train(
            config,
            runs=opened.path.parent.parent,
            progress=board.row(f"{config.name} seed {config.seed}"),
            loading=output.loading if first else None,
        )
    if output.json:
        emit(done.summary())
    else:
        typer.echo(f"{done.path}: test {test_scores(done.summary())}")


def refuse_mixed_options(verify: int | None, longer: LengthOptions) -> None:
    """Raise InputError for options that mean nothing together."""
    length = [each for each in (longer.epochs, longer.steps) if each is not None]
    if verify is not None and (length or longer.lr is not None):
        raise InputError("--verify: changes nothing, so it goes with none of --epochs, --steps and --lr.")
    if len(length) > 1:
        raise InputError("--epochs and --steps: give one, the unit in which the run's schedule counts.")
    if longer.lr is not None and not length:
        raise InputError("--lr: is with which a longer schedule begins again; give --epochs too.")


def show_replay(run: object, steps: int, root: Path | None, json: bool) -> None:
    """Print how a replay compares; exit with 1 if anything differs."""
    from dataclasses import asdict

    from skiprun.experiment.replay import replay

    found = replay(run, steps, root)  # type: ignore[arg-type]
    for note in found.notes:
        say(note)
    if json:
        emit(asdict(found))
    else:
        compared = f"{found.rows} records" + (", weights and optimizer" if found.weights else "")
        what = f"Steps {found.first + 1} to {found.last} again, {compared}"
        typer.echo(
            f"{what}: first difference in {found.differs}" if found.differs else f"{what}: the same bits."
        )
    if found.differs:
        raise typer.Exit(1)

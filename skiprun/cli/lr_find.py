"""`skiprun lr-find`: which learning rate a config should have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, OutputOptions, with_groups
from skiprun.cli.options import apart
from skiprun.cli.terminal import emit, people, results, say, set_quiet
from skiprun.cli.train import named_config
from skiprun.display.board import Board


@dataclass(frozen=True)
class RangeOptions:
    """Which rates are tried."""

    lowest: Annotated[float, typer.Option("--from", help="The rate of the first step.")] = 1e-6
    highest: Annotated[float, typer.Option("--to", help="The rate of the last step.")] = 10.0
    steps: Annotated[int, typer.Option(min=20, max=10_000, help="Steps, a higher rate each.")] = 100


@with_groups
def lr_find(
    config: Annotated[
        list[str], typer.Argument(metavar="CONFIG", help="A YAML file, or an architecture (on digits).")
    ],
    *,
    changes: ConfigOptions,
    rates: RangeOptions,
    output: OutputOptions,
) -> None:
    """Suggest a learning rate for CONFIG: train a few steps while the rate rises, and look at the loss.

    The steps are those of a run, on its data, with its batch size and optimizer; schedule, weight average and
    optim.lr are left out. The lowest loss is where a rate begins to be too high; a tenth of that rate is
    suggested (Smith 2017; fastai). No run is written: picture and numbers go to lr-find/ among the runs.
    """
    from skiprun.errors import InputError
    from skiprun.system.disk import check_writable

    configs, given = apart(config, changes.set_)
    if len(configs) != 1:
        raise InputError(f"Name one config; found {', '.join(configs) or 'none'}.")
    loaded = named_config(configs[0], changes.overrides(given))
    check_writable(output.runs)
    set_quiet(output.silent)

    from skiprun.experiment.lr_find import RateRange, find_rate
    from skiprun.reports.rate_curve import write_rate_curve

    wanted = RateRange(rates.lowest, rates.highest, rates.steps)
    with Board(people, output.silent) as board:
        curve = find_rate(loaded, wanted, output.runs, board.row(f"{loaded.name} rates"), output.loading)
    picture = write_rate_curve(curve, output.runs / "lr-find" / loaded.name)
    if output.json:
        return emit({**curve.to_dict(), "picture": str(picture)})
    for line in curve.sentences:
        results.print(line)
    say(f"Picture: {picture}")

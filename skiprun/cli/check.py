"""`skiprun check`: what a plug-in must keep, tried on all that it registers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from skiprun.cli.options import Json, user_path
from skiprun.cli.terminal import emit, results
from skiprun.errors import counted

if TYPE_CHECKING:  # it imports torch
    from skiprun.experiment.contracts import ContractResult

WORDS = {True: ("kept", "green"), False: ("broken", "red"), None: ("not tried", "yellow")}


def check(
    plugin: Annotated[
        str, typer.Argument(metavar="FILE.py", help="A file of your own, or an installed module.")
    ],
    root: Annotated[
        Path | None,
        typer.Option("--root", metavar="DIR", parser=user_path, help="Where the images of a dataset are."),
    ] = None,
    json: Json = False,
) -> None:
    """Try a connection, model, dataset, probe, study, claim or symptom of your own.

    What FILE.py registers must keep what those of the package keep: shapes, gradients, saved weights, the
    same numbers again, no traces. A line a contract; the exit code is 2 if one is broken.
    """
    from skiprun.experiment.contracts.check import check_plugin

    board = Lines(silent=json)
    outcomes = check_plugin(plugin, root, board.show)
    if json:
        emit([asdict(each) for each in outcomes])
    else:
        results.print(count_results(outcomes))
    if any(each.kept is False for each in outcomes):
        raise typer.Exit(2)


class Lines:
    """A line for each outcome, below the name of what it is of."""

    def __init__(self, silent: bool) -> None:
        self.silent, self.above, self.said = silent, "", ""

    def show(self, outcome: ContractResult) -> None:
        """Print an outcome."""
        if self.silent:
            return
        if self.above != (above := f"{outcome.kind} {outcome.name}"):
            self.above, self.said = above, ""
            results.print(Text(above, style="bold"))
        word, style = WORDS[outcome.kept]
        why = f": {'as above' if outcome.why == self.said else outcome.why}" if outcome.why else ""
        self.said = outcome.why or self.said
        results.print(Text.assemble("  ", (f"{word:9}", style), f" {outcome.contract}{why}"), soft_wrap=True)


def count_results(outcomes: list[ContractResult]) -> str:
    """Count what came of the contracts."""
    counts = {word: sum(each.kept is kept for each in outcomes) for kept, (word, _) in WORDS.items()}
    found = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{counted(len(outcomes), 'contract')}: {found}."

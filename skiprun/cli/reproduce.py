"""`skiprun reproduce`: published claims as experiments, each with a negative control."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from skiprun.cli.options import (
    RUNS,
    Device,
    Json,
    PrintCommands,
    Quiet,
    Ray,
    Root,
    RunsFolder,
    Set,
    apart,
    overrides,
)
from skiprun.cli.progress import Board, loading
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands
from skiprun.infos import BUDGETS, Budget


def reproduce(
    claims: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CLAIM...|all]", help="Claims; none: list them."),
    ] = None,
    budget: Annotated[
        Budget | None,
        typer.Option(
            metavar="toy|init|small|full",
            help="The most that a claim may cost: seconds, minutes, half an hour on two cores, days.",
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs and studies at once.")] = None,
    ray: Ray = None,
    print_commands: PrintCommands = False,
    set_: Set = None,
    root: Root = None,
    device: Device = None,
    runs: RunsFolder = RUNS,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Do published experiments again; each claim ends in PASS, FAIL or INCONCLUSIVE, with its numbers.

    What was expected is fixed in the claim. Its negative control must fail, or the claim is broken, and the
    exit code 1. Runs, findings and a ledger are kept in the folder of all runs.
    """
    set_quiet(quiet or json)
    claims, changes = apart(claims, set_)
    if not claims:
        return show_claims(runs, budget, json)
    from skiprun import reports
    from skiprun.experiment import reproduction

    asked: Any = {"budget": budget, "runs": runs, "overrides": overrides(changes, device, root)}
    if print_commands:
        return show_commands(reproduction.reproduce_commands(claims, **asked), json)
    with Board(quiet or json) as board:
        found = reproduction.reproduce(
            claims,
            **asked,
            jobs=jobs,
            ray=ray,
            progress_for=board.row,
            loading=None if quiet or json else loading,
        )
    documents = [each.to_dict() for each in found]
    if json:
        emit(documents)
    else:
        results.print(reports.claims_text(documents))
        say(f"Report: {reports.claims_folder(runs) / 'index.html'}")
    if any(each.broken for each in found):
        raise typer.Exit(1)


def show_claims(runs: Path, budget: Budget | None, json: bool) -> None:
    """List the claims with their latest verdicts."""
    from skiprun import reports
    from skiprun.registry import CLAIMS

    known = {
        each["claim"]: reports.verdict_word(each) for each in reports.read_claims(reports.claims_folder(runs))
    }
    rows = [
        {
            "claim": claim.name,
            "budget": claim.info.budget,
            "verdict": known.get(claim.name),
            "paper": claim.info.paper,
            "statement": claim.summary,
        }
        for claim in sorted(CLAIMS, key=lambda claim: BUDGETS.index(claim.info.budget))
        if budget in (None, claim.info.budget)
    ]
    if json:
        return emit(rows)
    columns = ["claim", "budget", "verdict", "paper", "statement"]
    show_table(columns, [[row[column] for column in columns] for row in rows], optional=("paper",))

"""`skiprun reproduce`: published claims as experiments, each with a negative control."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from skiprun.cli.option_groups import ConfigOptions, LaunchOptions, OutputOptions, with_groups
from skiprun.cli.options import apart
from skiprun.cli.tables import show_table
from skiprun.cli.terminal import emit, results, say, set_quiet, show_commands
from skiprun.infos import BUDGETS, Budget


@dataclass(frozen=True)
class RunsAndStudies(LaunchOptions):
    """How runs are trained and studies made."""

    jobs: Annotated[int | None, typer.Option(min=1, help="Runs and studies at once.")] = None


@with_groups
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
    *,
    launch: RunsAndStudies,
    changes: ConfigOptions,
    output: OutputOptions,
) -> None:
    """Do published experiments again; each claim ends in PASS, FAIL or INCONCLUSIVE, with its numbers.

    What was expected is fixed in the claim. Its negative control must fail, or the claim is broken, and the
    exit code 1. Runs, findings and a ledger are kept in the folder of all runs.
    """
    set_quiet(output.silent)
    claims, given = apart(claims, changes.set_)
    if not claims:
        return show_claims(output.runs, budget, output.json)
    from skiprun import reports
    from skiprun.experiment import reproduction

    overrides = changes.overrides(given)
    if launch.print_commands:
        lines = reproduction.reproduce_commands(claims, budget=budget, runs=output.runs, overrides=overrides)
        return show_commands(lines, output.json)
    with launch.launcher(output) as launcher:
        found = reproduction.run_claims(claims, budget, output.runs, overrides, launcher)
    documents = [each.to_dict() for each in found]
    if output.json:
        emit(documents)
    else:
        results.print(reports.claims_text(documents))
        say(f"Report: {reports.claims_folder(output.runs) / 'index.html'}")
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

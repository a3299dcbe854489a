"""Reproduce published claims: measure what they ask for, judge it, and keep the ledger."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from skiprun.claims.reproduction import Reproduction, judge
from skiprun.config import Count
from skiprun.config_file import Overrides, override_texts
from skiprun.errors import InputError, counted
from skiprun.experiment.commands import write_commands
from skiprun.experiment.crew import ProgressFor
from skiprun.experiment.many import BY_DEFAULT, Launcher, launching
from skiprun.experiment.reproduction.ledger import Ledger
from skiprun.experiment.reproduction.measuring import Bench
from skiprun.experiment.reproduction.planning import Plan, refuse_protocol
from skiprun.experiment.study_runner.keeping import warn_instead
from skiprun.infos import BUDGETS, Budget, ClaimInfo
from skiprun.registry import CLAIMS
from skiprun.reports.claims import claims_folder
from skiprun.run import RUNS
from skiprun.system.arguments import checked_arguments

log = logging.getLogger(__name__)


@checked_arguments
def reproduce(
    names: Sequence[str],
    *,
    budget: Budget | None = None,
    runs: Path | str = RUNS,
    overrides: Overrides = (),
    jobs: Count | None = None,
    ray: str | None = None,
    progress: ProgressFor | bool = False,
) -> list[Reproduction]:
    """Reproduce claims; what `skiprun reproduce` does.

        (found,) = skiprun.reproduce(["shattered_gradients"])
        found.outcome.verdict, found.outcome.sentences

    What was trained and studied before is found again, so that a second call takes seconds.

    Args:
        names: of the registry of claims, or "all".
        budget: the most that a claim may cost; None: "toy" for all of them, any for those that are named.
        runs: the folder of all runs; what is found is kept below its `claims`.
        overrides: for where data is and how to compute, as `{"data.root": "/data"}`; the rest is the claims'.
        jobs: runs and studies at once; None: see `Launcher`.
        ray: the address of a Ray cluster, see `Launcher`; None: here.
        progress: True shows how far the runs are; or gives somebody to tell of a run, by its label.

    Raises:
        UnknownName: there is no such claim.
        InputError: none is within the budget, or an override is of the protocol.
    """
    with launching(jobs, ray, progress) as launcher:
        return run_claims(names, budget, Path(runs).expanduser(), override_texts(overrides), launcher)


def run_claims(
    names: Sequence[str],
    budget: Budget | None = None,
    runs: Path = RUNS,
    overrides: Sequence[str] = (),
    launcher: Launcher = BY_DEFAULT,
) -> list[Reproduction]:
    """Reproduce claims with a launcher; see `reproduce`."""
    refuse_protocol(overrides)
    chosen = choose(names, budget)
    ledger = Ledger(claims_folder(runs))
    bench = Bench(Plan(runs, overrides), ledger.folder / "studies", launcher)
    asked = [each for info in chosen.values() for each in info.measurements]
    bench.train(asked)
    bench.study(asked)
    found = [
        judge(name, bench.measured(info.measurement), bench.measured(info.control))
        for name, info in chosen.items()
    ]
    with warn_instead():
        ledger.add(found)
    return found


@checked_arguments
def reproduce_commands(
    names: Sequence[str],
    *,
    budget: Budget | None = None,
    runs: Path | str = RUNS,
    overrides: Sequence[str] = (),
) -> list[str]:
    """Return a command line for each run that `reproduce` would train next, see `write_commands`.

    Runs that start from the weights of others have theirs once those are done, and what is left is said. The
    arguments are those of `reproduce`, and what it refuses is refused.
    """
    refuse_protocol(overrides)
    bench = Bench(Plan(Path(runs), overrides), claims_folder(Path(runs)) / "studies")
    asked = [each for info in choose(names, budget).values() for each in info.measurements]
    first, last = ([*each] for each in bench.stages(asked))
    if lines := write_commands(first, Path(runs)):
        left = counted(sum(item.missing for item in last if item not in first), "run")
        log.info(f"{left} more after these, from which some start: ask again once these are done.")
    return lines or write_commands(last, Path(runs))


def choose(names: Sequence[str], budget: Budget | None) -> dict[str, ClaimInfo]:
    """Return the claims that are asked for, the cheapest first.

    Raises:
        UnknownName: there is no such claim.
        InputError: none is within the budget.
    """
    everything = "all" in names
    wanted = [*CLAIMS] if everything else [CLAIMS[name] for name in dict.fromkeys(names)]
    most = budget or ("toy" if everything else BUDGETS[-1])
    allowed = BUDGETS[: BUDGETS.index(most) + 1]
    chosen = {each.name: each.info for each in wanted if each.info.budget in allowed}
    if not chosen:
        cheapest = min((each.info.budget for each in wanted), key=BUDGETS.index)
        named = counted(len(wanted), "claim")
        raise InputError(f"--budget {most}: found {named}, the cheapest of which costs --budget {cheapest}.")
    return dict(sorted(chosen.items(), key=lambda item: BUDGETS.index(item[1].budget)))

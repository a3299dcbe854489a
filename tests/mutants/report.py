"""The killed share of a sample with its interval, by wing, and what survived, as Markdown."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

from tests.mutants.sample import STRATA, Mutant

Key = tuple[str, str, str]
EQUAL = Path(__file__).with_name("equal.toml")
HEADING = """# Mutants: would a wrong line be caught?

`make mutants` changes one place of the code at a time, as a slip would (cosmic-ray's operators), and runs the
tests that cover it. A mutant is killed if one of them fails that passes without the change. Annotations,
messages of errors and logs are left out. Equal mutants, which no test could tell from the code, are listed
with the reason and do not count. The interval is Wilson's, at 95 %.

Tests were written for what survived of this sample, so it has less to say of the rest of the code: for that,
`python -m tests.mutants --seed N` judges another one.
"""


def report(mutants: list[Mutant], results: dict[Key, dict[str, Any]], seed: int, commit: str) -> str:
    """Return the page."""
    reasons = {(row["module"], row["before"], row["after"]): row["reason"] for row in _equal()}
    judged = [mutant for mutant in mutants if mutant.key in results]
    counted = [mutant for mutant in judged if mutant.key not in reasons]
    alive = [mutant for mutant in counted if results[mutant.key]["fate"] == "survived"]
    late = sum(results[mutant.key]["fate"] == "timeout" for mutant in counted)
    equal = [mutant for mutant in judged if mutant.key in reasons]
    return "\n".join(
        [
            HEADING,
            f"Seed {seed}, commit {commit}: of {len(mutants)} mutants {len(judged)} are judged,",
            f"and {len(equal)} of them equal. {late} of the killed did not end in time.\n",
            *_table(counted, alive),
            "\n## Survivors\n",
            *(_shown(mutant) for mutant in alive),
            "\n## Equal\n",
            *(_shown(mutant, f": {reasons[mutant.key]}") for mutant in equal),
            "",
        ]
    )


def _table(counted: list[Mutant], alive: list[Mutant]) -> Iterator[str]:
    yield "| wing | mutants | killed | share | 95 % interval |"
    yield "|---|---|---|---|---|"
    for stratum in [*STRATA, "all"]:
        total = sum(stratum in (mutant.stratum, "all") for mutant in counted)
        killed = total - sum(stratum in (mutant.stratum, "all") for mutant in alive)
        if total:
            low, high = binomtest(killed, total).proportion_ci(method="wilson")
            share = f"{killed / total:.0%} | {low:.0%} to {high:.0%}".replace("%", " %")
            yield f"| {stratum} | {total} | {killed} | {share} |"


def _shown(mutant: Mutant, reason: str = "") -> str:
    lines = [f"-{line}" for line in mutant.before.splitlines()] + [
        f"+{line}" for line in mutant.after.splitlines()
    ]
    place = f"- `{mutant.mutation.module}`, line {mutant.mutation.start[0]}{reason}"
    return "\n  ".join([place, "", "```diff", *lines, "```"])


def _equal() -> list[dict[str, str]]:
    return tomllib.loads(EQUAL.read_text())["equal"] if EQUAL.exists() else []

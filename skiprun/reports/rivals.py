"""The table of the networks behind the best: the difference, how sure it is, and what the seeds can see."""

from __future__ import annotations

import math

from rich.console import RenderableType
from rich.text import Text

from skiprun.claims.evidence import in_looks, p_value, signed
from skiprun.claims.ranking import Ranking
from skiprun.claims.rival import Rival
from skiprun.errors import percent
from skiprun.reports.layout import PlainTable
from skiprun.results.numbers import format_score
from skiprun.results.power import MOST_SEEDS, POWER


def rival_rows(ranking: Ranking | None) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows; no row where nothing is ranked, or nothing can be tested."""
    if ranking is None or not ranking.tested:
        return [], []
    within = [f"within {format_score(ranking.margin, ranking.score)}"] if ranking.margin else []
    first = ranking.first[0]
    headings = ["network", f"minus {first}", "95 % interval", "p", "detectable", "seeds needed", *within]
    return [*headings, f"beats {first}"], [_rival_row(rival, ranking) for rival in ranking.rivals]


def rival_note(ranking: Ranking | None) -> str:
    """Say what the columns are."""
    looks = in_looks(ranking.most if ranking else None)
    return (
        f"Differences of the test score; p by Holm's correction over all pairs{',' * bool(looks)}{looks}. "
        f"Detectable: the true difference that these seeds find in {percent(POWER)} of such comparisons; "
        "seeds needed: with so many the difference seen would be found, if it stays as it is. Beats: how "
        "probable it is that one run of a network beats one of the first, with 95 % interval."
    )


def rival_table(ranking: Ranking | None) -> list[RenderableType]:
    """Return the table for the terminal, and an empty line; nothing where nothing can be tested."""
    headings, rows = rival_rows(ranking)
    shown = [("\n".join(heading.rsplit(" ", 1)), number > 0) for number, heading in enumerate(headings)]
    return [PlainTable(shown, rows), Text()] if rows else []


def _rival_row(rival: Rival, ranking: Ranking) -> list[str]:
    score, behind = ranking.score, rival.behind

    def shown(value: float) -> str:
        return "-" if math.isnan(value) else signed(value, score)

    tested = behind.tested
    return [
        rival.network,
        shown(behind.mean),
        f"{shown(behind.low)} to {shown(behind.high)}" if tested else "-",
        p_value(rival.p),
        format_score(behind.detectable, score),
        str(behind.seeds_needed or f"> {MOST_SEEDS:,}") if tested else "-",
        *([p_value(rival.equivalence_p)] if ranking.margin else []),
        _probability(rival),
    ]


def _probability(rival: Rival) -> str:
    """Return how probable it is that one run beats one of the best, with its interval."""
    value, low, high = (f"{100 * share:.0f}" for share in rival.wins)
    return "-" if math.isnan(rival.wins.value) else f"{value} % ({low} to {high})"

"""Show published claims: a table for the terminal, and a page that draws each interval in its region."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.claims.reproduction_document import FoundQuantity, ReproducedClaim
from skiprun.errors import StorageError
from skiprun.infos import BUDGETS
from skiprun.reports.rendering import render, written_now
from skiprun.system.documents import read_document
from skiprun.system.files import write_text

log = logging.getLogger(__name__)

STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}
MARGIN = 0.15  # of an axis, on each side


def claims_folder(runs: Path) -> Path:
    """Return where what is found of claims is kept, in the folder of all runs."""
    return runs / "claims"


def read_claims(folder: Path) -> list[ReproducedClaim]:
    """Return what is known of claims, the cheapest first; a damaged document is told, and left out."""
    found = []
    for file in sorted(folder.glob("*.json")):
        try:
            way_out = f"`skiprun reproduce {file.stem}` writes it anew"
            found.append(read_document(file, ReproducedClaim, way_out))
        except StorageError as error:
            log.warning(str(error))
    return sorted(found, key=lambda each: BUDGETS.index(each["budget"]))


def claims_text(found: Sequence[ReproducedClaim]) -> RenderableType:
    """Return verdicts with the numbers behind them, for the terminal."""
    return Group(*(_claim_lines(each) for each in found), Text(), Text(in_short(found)))


def _claim_lines(claim: ReproducedClaim) -> Text:
    """Return the lines of one claim."""
    word = verdict_word(claim)
    text = Text.assemble((word, STYLES.get(word, "red")), f" {claim['claim']}: {claim['statement']}\n")
    text.append(f"  {claim['paper']}: {claim['published']}\n")
    for sentence in claim["outcome"]["sentences"]:
        text.append(f"  {sentence}\n")
    return text.append(f"  control ({claim['control_is']}): {claim['control']['verdict']}")


def verdict_word(claim: ReproducedClaim) -> str:
    """Return the verdict, or that the claim says nothing since its control passes too."""
    return "BROKEN" if claim["broken"] else claim["outcome"]["verdict"]


def in_short(found: Sequence[ReproducedClaim]) -> str:
    """Count the verdicts, and name what is not as it was foreseen."""
    words = [verdict_word(each) for each in found]
    counts = ", ".join(f"{words.count(word)} {word}" for word in (*STYLES, "BROKEN") if word in words)
    odd = [each["claim"] for each in found if verdict_word(each) != each["foreseen"]]
    weak = [each["claim"] for each in found if each["control"]["verdict"] == "INCONCLUSIVE"]
    otherwise = f" Not as foreseen: {', '.join(odd)}." if odd else " All as foreseen."
    undecided = f" The control is undecided of: {', '.join(weak)}." if weak else ""
    return f"{counts}.{otherwise}{undecided}"


def write_page(found: Sequence[ReproducedClaim], folder: Path) -> Path:
    """Write index.html into a folder; return it.

    Raises:
        StorageError: the folder cannot be written.
    """
    shown = [
        {
            **claim,
            "word": verdict_word(claim),
            "drawn": [axis(each) for each in claim["outcome"]["quantities"]],
            "control_drawn": [axis(each) for each in claim["control"]["quantities"]],
        }
        for claim in found
    ]
    facts: dict[str, object] = {
        "title": "Published claims, done again",
        "claims": shown,
        "in_short": in_short(found),
    }
    write_text(folder / "index.html", render("claims.html", facts | written_now()))
    return folder / "index.html"


def axis(quantity: FoundQuantity) -> dict[str, float]:
    """Return where value, interval and region lie on an axis from 0 to 100 that shows them all.

    The axis is logarithmic where they lie far apart.
    """
    value, (low, high) = quantity["value"], quantity["interval"]
    region = [quantity["expected"]["low"], quantity["expected"]["high"]]
    shown = [each for each in (value, low, high, *region) if each is not None and math.isfinite(each)]
    if not shown:
        return {}
    is_log = min(shown) > 0 and max(shown) > 20 * min(shown)
    scaled = [math.log(each) if is_log else each for each in shown]
    width = (max(scaled) - min(scaled)) or abs(max(scaled)) or 1.0
    first, width = min(scaled) - MARGIN * width, (1 + 2 * MARGIN) * width

    def place(number: float | None, beyond: float) -> float:
        if number is None or not math.isfinite(number):
            return beyond
        return 100 * ((math.log(number) if is_log else number) - first) / width

    ends = [place(region[0], 0.0), place(region[1], 100.0)]
    if is_log and region[0] is not None and region[0] <= 0:
        ends[0] = 0.0
    return {
        "from": ends[0],
        "to": ends[1],
        "low": place(low, 0.0),
        "high": place(high, 100.0),
        "value": place(value, 50.0),
    }

"""The tables of a study for the terminal: facts of each network, and what its figures show in a few rows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.reports.numbers import significant
from skiprun.reports.study_rows import Description, Document, Line, is_way, lines_of, panels_of
from skiprun.reports.tables import Fitting, plain_table

WHOLE = 32  # places that are shown one by one
MOST_FACTS = 14  # more of them are the values of a figure over again
SOME = 11  # places shown of more


def study_table(documents: Sequence[Document]) -> RenderableType:
    """Return the tables of the documents of one study, and the verdict of each."""
    parts: list[RenderableType] = [_facts(documents)] if len(documents[0]["facts"]) <= MOST_FACTS else []
    for figure in documents[0]["figures"]:
        if figure["kind"] in ("lines", "bars") and not is_way(figure, documents[0]):
            for panel in panels_of(documents, figure):
                parts += [Text(), *_values(panel, documents)]
    verdicts = [_verdict(document, len(documents) > 1) for document in documents]
    return Group(*parts, Text(), *verdicts)


def _verdict(document: Document, named: bool) -> Text:
    return Text(f"{document['label']}: {document['verdict']}" if named else document["verdict"])


def _facts(documents: Sequence[Document]) -> RenderableType:
    """Return the facts: a row for each network, or below each other where that is too wide."""
    names = list(dict.fromkeys(name for document in documents for name in document["facts"]))
    cells = [[fact(document["facts"].get(name)) for name in names] for document in documents]
    labels = [document["label"] for document in documents]
    spoken = [name.replace("_", " ") for name in names]
    across = plain_table(
        [("network", False), *((name.replace(" ", "\n"), True) for name in spoken)],
        [[label, *row] for label, row in zip(labels, cells, strict=True)],
    )
    columns = [[name, *(row[number] for row in cells)] for number, name in enumerate(spoken)]
    down = plain_table([("", False), *((label, True) for label in labels)], columns)
    return down if len(documents) == 1 else Fitting([across], [down])


def fact(value: Any) -> str:
    """Return a fact as text."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else significant(value)


def _values(figure: Description, documents: Sequence[Document]) -> list[RenderableType]:
    """Return the values of one figure by place, a column for each network; few of many places."""
    lines = lines_of(documents, figure)
    if not lines:
        return []
    places = sorted({place for line in lines for place in line.places})
    all_shown = len(places) <= WHOLE and all(place.is_integer() for place in places)
    shown = places if all_shown else _some(places)
    names = lines[0].names
    first = [names[int(place)] if names else f"{place:.3g}" for place in shown]
    rows = [[name, *(_at(line, place, all_shown) for line in lines)] for name, place in zip(first, shown, strict=True)]
    few = "" if all_shown else f"; at {len(shown)} of {len(places)} places, all with --json"
    caption = Text(f"{figure['title']}: {figure['ylabel']}{few}", "bold")
    xlabel = textwrap.fill(figure["xlabel"], 16)
    wide, narrow = (
        plain_table([(xlabel, not names), *((textwrap.fill(line.label, width), True) for line in lines)], rows)
        for width in (60, 14)
    )
    return [caption, Fitting([wide], [narrow])]


def _some(places: Sequence[float]) -> list[float]:
    """Return places at equal distances from the first to the last."""
    first, last = places[0], places[-1]
    return [first + (last - first) * step / (SOME - 1) for step in range(SOME)]


def _at(line: Line, place: float, exact: bool) -> str:
    """Return the value at a place, or at the nearest one."""
    nearest = min(line.places, key=lambda each: abs(each - place))
    if exact and nearest != place:
        return ""
    return significant(line.values[line.places.index(nearest)])

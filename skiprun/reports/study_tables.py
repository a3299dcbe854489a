"""The tables of studies for the terminal: facts of each network, and its figures as a few rows."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.reports.layout import Fitting, PlainTable
from skiprun.reports.study_rows import Line, is_way, lines_of, panels_of
from skiprun.results.numbers import significant
from skiprun.results.study_documents import Description, Document

WHOLE = 32  # places that are shown one by one
MAX_FACTS = 14  # more of them are the values of a figure over again
SOME = 11  # places shown of more


def study_table(documents: Sequence[Document]) -> RenderableType:
    """Return the tables of the documents of one study, and the verdict of each."""
    parts: list[RenderableType] = [_facts_table(documents)] if len(documents[0]["facts"]) <= MAX_FACTS else []
    for figure in documents[0]["figures"]:
        if figure["kind"] in ("lines", "bars") and not is_way(figure, documents[0]):
            for panel in panels_of(documents, figure):
                parts += [Text(), *_values(panel, documents)]
    verdicts = [_verdict(document, len(documents) > 1) for document in documents]
    return Group(*parts, Text(), *verdicts)


def _verdict(document: Document, named: bool) -> Text:
    return Text(f"{document['label']}: {document['verdict']}" if named else document["verdict"])


def _facts_table(documents: Sequence[Document]) -> RenderableType:
    """Return the facts: a row for each network, or below each other where that is too wide."""
    names = list(dict.fromkeys(name for document in documents for name in document["facts"]))
    cells = [[fact(document["facts"].get(name)) for name in names] for document in documents]
    labels = [document["label"] for document in documents]
    spoken = [name.replace("_", " ") for name in names]
    across = PlainTable(
        [("network", False), *((name.replace(" ", "\n"), True) for name in spoken)],
        [[label, *row] for label, row in zip(labels, cells, strict=True)],
    )
    columns = [[name, *(row[number] for row in cells)] for number, name in enumerate(spoken)]
    down = PlainTable([("", False), *((label, True) for label in labels)], columns)
    return down if len(documents) == 1 else Fitting([across], [down])


def fact(value: object) -> str:
    """Return a fact as text."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else significant(value)


@dataclass(frozen=True)
class Part:
    """Lines of one table, as they are measured at the same places, and those of the places that are shown."""

    lines: list[Line]
    places: list[float]
    shown: list[float]

    @property
    def headings(self) -> list[str]:
        """What stands above the lines."""
        return [line.label for line in self.lines]

    def rows(self, length: int) -> list[list[str]]:
        """Return so many rows: a place and the value of each line there, or nothing."""
        found = [dict(zip(line.places, line.values, strict=True)) for line in self.lines]
        rows = [
            [self._name(place), *(_table_cell(line.get(place)) for line in found)] for place in self.shown
        ]
        return rows + [[""] * (len(self.lines) + 1)] * (length - len(rows))

    def _name(self, place: float) -> str:
        names = self.lines[0].names
        return names[int(place)] if names else f"{place:g}" if place.is_integer() else f"{place:.3g}"


def parts_of(lines: Sequence[Line]) -> list[Part]:
    """Share lines out to tables, so that every line was measured at the places that its table shows.

    A few whole numbers, such as blocks, are all shown, and a line has gaps there; other places are shown in
    part.
    """
    every = sorted({place for line in lines for place in line.places})
    if len(every) <= WHOLE and all(place.is_integer() for place in every):
        return [Part(list(lines), every, every)]
    alike: dict[tuple[float, ...], list[Line]] = {}
    for line in lines:
        alike.setdefault(tuple(sorted({*line.places})), []).append(line)
    return [Part(same, list(places), _some(places)) for places, same in alike.items()]


def _some(places: Sequence[float]) -> list[float]:
    """Return some of the places, from the first to the last, about as far apart as they can be."""
    count = min(SOME, len(places))
    return [places[round(step * (len(places) - 1) / max(1, count - 1))] for step in range(count)]


def _table_cell(value: float | None) -> str:
    return "" if value is None else significant(value)


def _values(figure: Description, documents: Sequence[Document]) -> list[RenderableType]:
    """Return the values of one figure by place, a column for each network; few of many places."""
    lines = lines_of(documents, figure)
    if not lines:
        return []
    parts = parts_of(lines)
    thinned = [
        f"{len(part.shown)} of {len(part.places)}" for part in parts if len(part.shown) < len(part.places)
    ]
    few = f"; at {' and '.join(dict.fromkeys(thinned))} places, all with --json" if thinned else ""
    caption = Text(f"{figure['title']}: {figure['ylabel']}{few}", "bold")
    wide = [_joined_table(parts, figure["xlabel"], 60)]
    narrow = [_joined_table([part], figure["xlabel"], 14) for part in parts]
    return [caption, Fitting(wide, narrow)]


def _joined_table(parts: Sequence[Part], xlabel: str, width: int) -> PlainTable:
    """Return the tables of some parts as one, each with the places of its own."""
    length = max(len(part.shown) for part in parts)
    place = (textwrap.fill(xlabel, 16), not parts[0].lines[0].names)
    headings = [
        heading
        for part in parts
        for heading in (place, *((textwrap.fill(label, width), True) for label in part.headings))
    ]
    rows = zip(*(part.rows(length) for part in parts), strict=True)
    return PlainTable(headings, [[cell for cells in row for cell in cells] for row in rows])

"""The data of one study figure, read from the documents that the study runner wrote."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from skiprun.results.study_documents import Description, Document, Row


@dataclass(frozen=True)
class Line:
    """Values over places of one network, or of one group within it; missing values are left out.

    Attributes:
        index: which look it has.
        names: what the places are called, where they are no numbers; then the places are 0, 1, ...
    """

    label: str
    index: int
    names: list[str]
    places: list[float]
    values: list[float]
    low: list[float]
    high: list[float]


def rows_of(document: Document, figure: Description) -> list[Row]:
    """Return the rows of a document that a figure draws."""
    where = figure["where"].items()
    return [row for row in document["rows"] if all(equal(row.get(key), value) for key, value in where)]


def panels_of(documents: Sequence[Document], figure: Description) -> list[Description]:
    """Return a description for each panel of a figure; the figure itself if it has but one."""
    column = figure.get("panel")
    if not column:
        return [figure]
    names = dict.fromkeys(row[column] for document in documents for row in rows_of(document, figure))
    return [
        {**figure, "panel": "", "title": str(name), "where": {**figure["where"], column: name}}
        for name in names
    ]


def equal(found: object, wanted: object) -> bool:
    """Tell whether two values are equal, numbers as far as rounding lets them be."""
    if isinstance(found, float) and isinstance(wanted, float):
        return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)
    return bool(found == wanted)


def lines_of(documents: Sequence[Document], figure: Description, y: str | None = None) -> list[Line]:
    """Return one line for each network and group that has values; `y` is another column, such as a guide."""
    found: list[tuple[str, list[Row]]] = []
    for document in documents:
        rows = rows_of(document, figure)
        for group in dict.fromkeys(row.get(figure["group"]) for row in rows) if figure["group"] else [None]:
            names = [document["label"]] * (len(documents) > 1 or group is None) + [str(group)] * (
                group is not None
            )
            found.append(
                (", ".join(names), [row for row in rows if group is None or row[figure["group"]] == group])
            )
    names = list(dict.fromkeys(row[figure["x"]] for _, rows in found for row in rows if figure["x"] in row))
    spoken = [str(name) for name in names] if any(isinstance(name, str) for name in names) else []
    lines = [
        _read_line(label, index, spoken, rows, figure, y or figure["y"])
        for index, (label, rows) in enumerate(found)
    ]
    return [line for line in lines if line.places]


def _read_line(
    label: str, index: int, names: list[str], rows: Iterable[Row], figure: Description, y: str
) -> Line:
    low, high = figure["band"] if figure["band"] and y == figure["y"] else (y, y)
    if names:
        rows = [row | {figure["x"]: names.index(str(row[figure["x"]]))} for row in map(dict, rows)]
    drawn = [row for row in rows if drawable(row.get(figure["x"])) and drawable(row.get(y), figure["log"])]
    if not figure.get("way"):
        drawn.sort(key=lambda row: float(row[figure["x"]]))
    columns = ([float(row[key]) for row in drawn] for key in (figure["x"], y, low, high))
    return Line(label, index, names, *columns)


def drawable(value: object, log: bool = False) -> TypeGuard[float]:
    """Tell whether an axis has a place for a value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and (value > 0 or not log)


@dataclass(frozen=True)
class Grid:
    """Values over two columns of one network, [y, x]; nan where there is none."""

    label: str
    xs: list[float | str]
    ys: list[float | str]
    values: list[list[float]]


def grids_of(document: Document, figure: Description) -> list[Grid]:
    """Return the values of a matrix or a surface, one grid for each group."""
    rows, column = rows_of(document, figure), figure["group"]
    if not column:
        return [_grid(document["label"], rows, figure)]
    groups = dict.fromkeys(row[column] for row in rows)
    return [
        _grid(f"{document['label']}, {column} {group}", [row for row in rows if row[column] == group], figure)
        for group in groups
    ]


def _grid(label: str, rows: Sequence[Row], figure: Description) -> Grid:
    """Return values by place: numbers by size, names in the order in which they come."""
    xs, ys = (_order(row[axis] for row in rows) for axis in (figure["x"], figure["y"]))
    found = {(row[figure["x"]], row[figure["y"]]): row.get(figure["value"]) for row in rows}
    return Grid(label, xs, ys, [[_drawable_value(found.get((x, y)), figure["log"]) for x in xs] for y in ys])


def _drawable_value(value: object, log: bool) -> float:
    return float(value) if drawable(value, log) else math.nan


def _order(values: Iterable[float | str]) -> list[float | str]:
    """Return distinct values: numbers by size, names as they come."""
    found = list(dict.fromkeys(values))
    return sorted(found) if all(isinstance(value, int | float) for value in found) else found


def is_way(figure: Description, document: Document) -> bool:
    """Tell whether a figure of lines is a way over the plane of another figure's surface."""
    planes = [(each["x"], each["y"]) for each in document["figures"] if each["kind"] == "surface"]
    return figure["kind"] == "lines" and (figure["x"], figure["y"]) in planes


def ways_over(surface: Description, document: Document) -> list[Line]:
    """Return the ways over the plane of a surface, each in its own order."""
    ways = [each for each in document["figures"] if is_way(each, document)]
    return [
        line
        for way in ways
        if (way["x"], way["y"]) == (surface["x"], surface["y"])
        for line in lines_of([document], {**way, "way": True})
    ]

"""What things are in a notebook: a picture of themselves, and columns of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import singledispatch
from typing import Any

from skiprun.errors import InputError


@singledispatch
def as_html(_thing: object) -> str | None:
    """Return what a notebook shows of a thing; `skiprun.reports.html` registers what is drawn."""
    return None


def columns_of(rows: Sequence[Mapping[str, Any]], empty: object = None) -> dict[str, list[Any]]:
    """Return rows as columns, each with a value for every row.

    Args:
        rows: by column; not every row has every one.
        empty: stands where a row has nothing.
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [empty if row.get(name) is None else row[name] for row in rows] for name in names}


class Shown:
    """A result that a notebook shows, and whose numbers come as columns."""

    def columns(self) -> dict[str, list[Any]]:
        """Return the numbers as columns of one length, by name."""
        raise NotImplementedError

    def frame(self) -> Any:
        """Return the columns as a DataFrame of pandas.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise InputError("frame() needs pandas: pip install pandas. columns() has the same.") from None
        return pandas.DataFrame(self.columns())

    def _repr_html_(self) -> str | None:
        return as_html(self)

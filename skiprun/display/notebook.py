"""Progress in a notebook: a table below the cell, whose rows move as runs go on; it needs no widgets."""

from __future__ import annotations

import time
from html import escape
from typing import Any

from skiprun.display.scores import scores_of
from skiprun.system.progress import Record

EVERY = 0.25  # seconds between two pictures of the table


class NotebookBoard:
    """Progress of one or more runs in the output of a notebook's cell."""

    def __init__(self) -> None:
        self.rows: list[NotebookRow] = []
        self.handle: Any = None
        self.work, self.due = "", 0.0

    def __enter__(self) -> NotebookBoard:
        return self

    def __exit__(self, *_: object) -> None:
        self.work = ""
        if self.handle:
            self.show(at_once=True)

    def row(self, label: str) -> NotebookRow:
        """Return a listener for one more run."""
        self.rows.append(NotebookRow(self, label))
        return self.rows[-1]

    def loading(self, done: int, total: int, what: str) -> None:
        """Say how far the preparation of data is."""
        self.work = f"{what}: {done:,} of {total:,}" if done < total else ""
        self.show()

    def show(self, at_once: bool = False) -> None:
        """Show the table as it is now, unless that was done just before."""
        from IPython.display import HTML, display

        if not at_once and time.monotonic() < self.due:
            return
        self.due = time.monotonic() + EVERY
        if self.handle:
            self.handle.update(HTML(self.html))
        else:
            self.handle = display(HTML(self.html), display_id=True)

    @property
    def html(self) -> str:
        """The table: a run, how far it is, its latest scores."""
        rows = "".join(row.html for row in self.rows if row.steps)
        return f"<table>{rows}</table>" + (f"<p>{escape(self.work)}</p>" if self.work else "")


class NotebookRow:
    """Progress of one run on the board."""

    def __init__(self, board: NotebookBoard, label: str) -> None:
        self.board, self.name, self.label = board, label, label
        self.done, self.steps = 0, 0
        self.scores: list[str] = []

    def located(self, place: str) -> None:
        """Show where the run is trained, from now on."""
        self.label = f"{self.name} ({place})"

    def step(self, step: int, steps: int) -> None:
        """Move the bar."""
        self.done, self.steps = step, steps
        self.board.show()

    def epoch(self, record: Record) -> None:
        """Show the scores of an epoch."""
        self.scores, self.done = scores_of(record), int(record["step"])
        self.board.show()

    @property
    def html(self) -> str:
        """The row of the table."""
        bar = f'<progress value="{self.done}" max="{self.steps}"></progress> {self.done:,}/{self.steps:,}'
        cells = (escape(self.label), bar, escape(", ".join(map(str.strip, self.scores))))
        return "".join(["<tr>", *(f'<td style="text-align:left">{cell}</td>' for cell in cells), "</tr>"])

"""What shows the progress of runs where Python is: a terminal, a notebook, or neither."""

from __future__ import annotations

from skiprun.display.board import Board
from skiprun.display.console import PlainConsole
from skiprun.display.notebook import NotebookBoard
from skiprun.system.ranks import rank_of_torchrun


def open_board(shown: bool) -> Board | NotebookBoard:
    """Return what shows the progress of runs where Python is: a table of a notebook's cell, or the terminal.

    Args:
        shown: False shows nothing; of several ranks, the first alone shows something.
    """
    console = PlainConsole(stderr=True)
    shown = shown and not rank_of_torchrun()
    return NotebookBoard() if shown and console.is_jupyter else Board(console, silent=not shown)

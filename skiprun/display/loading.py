"""How far some work is: a line in place on a terminal, a line a tenth elsewhere."""

from __future__ import annotations

from rich.control import Control
from rich.segment import ControlType
from rich.text import Text

from skiprun.display.console import PlainConsole


class Loading:
    """How far some work is: in place on a terminal; elsewhere a line whenever another tenth of it is done."""

    def __init__(self, console: PlainConsole) -> None:
        self.console = console
        self.what, self.tenth = "", 0

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` is done."""
        before, self.tenth = (self.tenth if what == self.what else 0), 10 * done // max(1, total)
        self.what = what if done < total else ""
        if self.console.is_terminal:
            self.console.print(Text(f"{what}: {done:,} of {total:,}"), end="" if done < total else "\n")
            self.console.control(Control(ControlType.CARRIAGE_RETURN))
        elif self.tenth != before:
            self.console.print_line(f"{what}: {done:,} of {total:,}")

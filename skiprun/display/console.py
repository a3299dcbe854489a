"""A console that no text can steer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from skiprun.errors import printable


class PlainConsole(Console):
    """A console that no text can steer.

    It is neither markup nor names of emoji, and control characters are spelled out, in tables too.
    """

    def __init__(self, **said: Any) -> None:
        """Take what rich's own console does."""
        super().__init__(markup=False, emoji=False, highlight=False, **said)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed; only those of rich itself may hold control characters."""
        for text, style, control in super().render(renderable, options):
            lines = text.split("\n")
            yield Segment(text if control else "\n".join(map(printable, lines)), style, control)

    def print_line(self, line: str | Text) -> None:
        """Print a line, on a terminal broken between its words; elsewhere it stays one line."""
        text = Text(printable(line)) if isinstance(line, str) else line
        self.print(text, soft_wrap=not self.is_terminal)

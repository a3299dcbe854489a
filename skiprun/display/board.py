"""Progress on the terminal: bars with the latest scores, or plain lines where nobody watches."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from skiprun.display.console import PlainConsole
from skiprun.display.loading import Loading
from skiprun.display.scores import scores_of
from skiprun.system.progress import ProgressCallback, Record


class FittingScores:
    """As many whole scores as a line has room for: a number that is cut short reads as another number."""

    def __init__(self, scores: Sequence[str]) -> None:
        self.scores = scores

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        fitting = ""
        for score in self.scores:
            longer = f"{fitting} {score}".lstrip()
            if len(longer) > options.max_width:
                break
            fitting = longer
        yield Text(fitting)


class ScoresColumn(ProgressColumn):
    """The latest scores, in the width that the other columns leave."""

    def __init__(self) -> None:
        super().__init__(Column(ratio=1))

    def render(self, task: Task) -> FittingScores:
        """Return the scores of a run, the first ones first."""
        return FittingScores(task.fields["scores"])


MOST_ROWS = 30  # of runs that wait or are done; with more than these, only those that train are shown


class Board:
    """Progress of one or more runs: bars with the latest scores on a terminal, else a plain line an epoch."""

    def __init__(self, console: PlainConsole, silent: bool = False) -> None:
        self.console, self.silent = console, silent
        self.live = console.is_terminal and not silent
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            ScoresColumn(),
            console=console,
            expand=True,
        )

    def __enter__(self) -> Board:
        if self.live:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bars.stop()

    def row(self, label: str) -> BoardRow:
        """Return a listener for one more run."""
        return BoardRow(self, label)

    @property
    def loading(self) -> ProgressCallback | None:
        """Who is told while data is prepared."""
        return None if self.silent else Loading(self.console)

    @property
    def is_crowded(self) -> bool:
        """Tell whether there are more runs than a terminal shows well."""
        return len(self.bars.tasks) >= MOST_ROWS


class BoardRow:
    """Progress of one run on the board."""

    def __init__(self, board: Board, label: str) -> None:
        self.board, self.name, self.label = board, label, label
        shown = not board.is_crowded
        self.task = board.bars.add_task(escape(label), total=None, visible=shown, scores=())
        self.clock: tuple[float, int] | None = None
        self.steps = 0

    def located(self, place: str) -> None:
        """Show where the run is trained, from now on."""
        self.label = f"{self.name} ({place})"
        self.board.bars.update(self.task, description=escape(self.label), visible=True)

    def step(self, step: int, steps: int) -> None:
        """Move the bar."""
        self.clock = self.clock or (time.monotonic(), step)
        self.steps = steps
        if self.board.live:
            shown = step < steps or not self.board.is_crowded
            self.board.bars.update(self.task, completed=step, total=steps, visible=shown)

    def epoch(self, record: Record) -> None:
        """Show the scores of an epoch."""
        scores, step = scores_of(record), record["step"]
        if self.board.live:
            self.board.bars.update(self.task, scores=scores)
        elif not self.board.silent:
            started, first = self.clock or (time.monotonic(), step)
            left = (time.monotonic() - started) / max(1, step - first) * (self.steps - step)
            epoch = f"epoch {record['epoch']:.6g} step {step}/{self.steps}"
            line = f"{self.label}: {epoch} {' '.join(scores)} eta {clock(left)}"
            self.board.console.print_line(line)


def clock(seconds: float) -> str:
    """Return a duration as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

"""Terminal output: results on stdout, everything else on stderr; ASCII, and user text is never read as markup."""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.control import Control
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.segment import ControlType, Segment
from rich.table import Column
from rich.text import Text

from skiprun.errors import printable
from skiprun.run.documents import Summary
from skiprun.system.files import json_safe
from skiprun.system.logs import is_about_data
from skiprun.system.progress import Record


class PlainConsole(Console):
    """A console that no text can steer: control characters are spelled out in whatever is printed, tables too."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of what is printed; only those of rich itself may hold control characters."""
        for text, style, control in super().render(renderable, options):
            lines = text.split("\n")
            yield Segment(text if control else "\n".join(map(printable, lines)), style, control)


people = PlainConsole(stderr=True, highlight=False)
# Redirected, results are read by programs and kept in logs: wide, so that nothing is folded or cut.
results = PlainConsole(highlight=False, width=None if sys.stdout.isatty() else 200)


def complain(message: str) -> None:
    """Print an error, line by line; the first says that it is one."""
    for line in f"error: {message}".split("\n"):
        _print_line(Text(line, style="red"))


def say(message: str) -> None:
    """Print a line for people."""
    _print_line(Text(printable(message)))


def _print_line(line: Text) -> None:
    """Print a line, on a terminal broken between its words; elsewhere it stays one line."""
    people.print(line, soft_wrap=not people.is_terminal)


class TerminalHandler(logging.Handler):
    """Prints what the package logs, as all else is printed; what is about the data once, however often it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.printed: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message, line by line."""
        message = record.getMessage()
        for line in message.split("\n") if message not in self.printed else ():
            say(line)
        if is_about_data(record):
            self.printed.add(message)


HANDLER = TerminalHandler()


def start_logging() -> None:
    """Begin a command: from now on, print the warnings of the package."""
    HANDLER.printed.clear()
    HANDLER.setLevel(logging.WARNING)
    logger = logging.getLogger("skiprun")
    logger.setLevel(logging.INFO)
    logger.addHandler(HANDLER)


def set_quiet(quiet: bool) -> None:
    """Print warnings alone, as --quiet and --json ask, or also what is done."""
    HANDLER.setLevel(logging.WARNING if quiet else logging.INFO)


def emit(document: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(json_safe(document), indent=2, allow_nan=False) + "\n")


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


class Board:
    """Progress of one or more runs: bars with the latest scores on a terminal, a plain line an epoch elsewhere."""

    def __init__(self, silent: bool = False) -> None:
        self.silent, self.live = silent, people.is_terminal and not silent
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=10),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            ScoresColumn(),
            console=people,
            expand=True,
        )

    def __enter__(self) -> Board:
        if self.live:
            self.bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.bars.stop()

    def row(self, label: str) -> Row:
        """Return a listener for one more run."""
        return Row(self, label)


class Row:
    """Progress of one run on the board."""

    def __init__(self, board: Board, label: str) -> None:
        self.board, self.label = board, label
        self.task = board.bars.add_task(escape(label), total=None, scores=())
        self.clock: tuple[float, int] | None = None
        self.steps = 0

    def step(self, step: int, steps: int) -> None:
        """Move the bar."""
        self.clock = self.clock or (time.monotonic(), step)
        self.steps = steps
        if self.board.live:
            self.board.bars.update(self.task, completed=step, total=steps)

    def epoch(self, record: Record) -> None:
        """Show the scores of an epoch."""
        scores, step = scores_of(record), record["step"]
        if self.board.live:
            self.board.bars.update(self.task, scores=scores)
        elif not self.board.silent:
            started, first = self.clock or (time.monotonic(), step)
            left = (time.monotonic() - started) / max(1, step - first) * (self.steps - step)
            epoch = f"epoch {record['epoch']:.6g} step {step}/{self.steps}"
            say(f"{self.label}: {epoch} {' '.join(scores)} eta {clock(left)}")


def format_value(value: float | None, form: str = ".4g") -> str:
    """Return a score, or '-' where there was nothing to score."""
    return "-" if value is None or math.isnan(value) else f"{value:{form}}"


def named_score(name: str, value: float | None) -> str:
    """Return a score behind its name, an error with its unit."""
    return f"{name} {format_value(value)}{' %' if name.split()[-1] == 'error' else ''}"


def test_scores(summary: Summary) -> str:
    """Return the test scores of a run in a line, each with that of the trivial answer where there is one."""
    trivial = summary.get("trivial", {}).get("test", {})
    shown = {name: f" ({format_value(value)} by one class everywhere)" for name, value in trivial.items()}
    return ", ".join(named_score(name, value) + shown.get(name, "") for name, value in summary["test"].items())


def scores_of(record: Record) -> list[str]:
    """Return the loss, the scores and the speed of an epoch, a text each."""
    scores = [
        named_score(tag.removeprefix("train/epoch_").replace("/", " "), value)
        for tag, value in record.items()
        if tag.startswith(("train/epoch_loss", "val/"))
    ]
    return [*scores, f" {record['time/images_per_s']:,.0f} images/s"]


def clock(seconds: float) -> str:
    """Return a duration as 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Loading:
    """How far some work is: in place on a terminal; elsewhere a line whenever another tenth of it is done."""

    def __init__(self) -> None:
        self.what, self.tenth = "", 0

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show that `done` of `total` is done."""
        before, self.tenth = (self.tenth if what == self.what else 0), 10 * done // max(1, total)
        self.what = what if done < total else ""
        if people.is_terminal:
            people.print(Text(f"{what}: {done:,} of {total:,}"), end="" if done < total else "\n")
            people.control(Control(ControlType.CARRIAGE_RETURN))
        elif self.tenth != before:
            say(f"{what}: {done:,} of {total:,}")


loading = Loading()

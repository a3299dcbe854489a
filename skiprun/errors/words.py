"""Words of messages: the nearest name, lists, plurals, and text that may be shown."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Collection, Iterable

# Letters that look like a digit: resnet2o is resnet20.
LOOK_ALIKE = str.maketrans("oOlI", "0011")
PLURALS = {"class": "classes", "micro-batch": "micro-batches"}
# Of an error that is shown beside others: room for a path, what is wrong there, and the way out.
LINE = 300


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean ...?' with the nearest of the known names, or nothing."""
    known = list(known)
    alike = [each for each in known if each.translate(LOOK_ALIKE) == name.translate(LOOK_ALIKE)]
    near = alike or _nearest_number(name, known) or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def _nearest_number(name: str, known: Iterable[str]) -> list[str]:
    """Return the name that differs in its numbers alone, and least: resnet22 -> resnet20, not resnet1202.

    What is a number and nothing else is a label, whose spelling is what went wrong.
    """

    def numbers(text: str) -> list[float]:
        # They may be of any length, which int() does not take.
        return [float(each) for each in re.findall(r"[0-9]+", text)]

    wording = re.sub(r"[0-9]+", "0", name)
    alike = [each for each in known if re.sub(r"[0-9]+", "0", each) == wording != "0"]
    distances = {
        each: [abs(a - b) for a, b in zip(numbers(name), numbers(each), strict=True)] for each in alike
    }
    return sorted(alike, key=distances.__getitem__)[:1]


def some(names: Collection[str], most: int = 4) -> str:
    """Return names as a list for a sentence, cut where it grows long."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(itertools.islice(names, most)) + more


def counted(number: float, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one: 1 run, 2 runs, 1.5 epochs."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else PLURALS.get(noun, noun + 's')}"


def percent(share: float, decimals: int = 0) -> str:
    """Return a share of one as percent: 82.6 %."""
    return f"{100 * share:.{decimals}f} %"


def first_line(text: str) -> str:
    """Return the first line that is not empty, cut short; an error of a compiler runs over many pages."""
    line = next((each.strip() for each in text.splitlines() if each.strip()), "")
    return line if len(line) <= LINE else line[: LINE - 3] + "..."


def in_a_line(error: BaseException) -> str:
    """Return the first line of what an error says, cut short; its type where it says nothing."""
    return first_line(str(error)) or type(error).__name__


def with_type(error: BaseException) -> str:
    """Return an error that nobody has put in words, in a line behind its type."""
    return ": ".join(filter(None, [type(error).__name__, first_line(str(error))]))


def printable(text: str) -> str:
    """Return text with its control characters spelled out, as foreign text must not steer a terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)

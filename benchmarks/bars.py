"""The bars of training on a GPU (an H100 or H200), each beside what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.degradation import BANDS
from benchmarks.measure import NETWORKS

Row = dict[str, Any]
Rows = list[Row]
SECONDS = {"default": (0.25, 0.6, 1.15), "compiled": (0.2, 0.5, 1.0)}
# Whom skiprun has to be ahead of, by what their arms' names begin with; of several arms the fastest counts.
OTHERS = {"the classic script": "classic", "timm": "timm", "Lightning": "Lightning", "an expert": "expert"}


@dataclass(frozen=True)
class Bar:
    """What is asked for.

    Attributes:
        what: in words.
        benchmark: that measures it.
        part: of that.
        value: of the part's rows; raises LookupError where an arm failed.
        least, most: what the value may be.
    """

    what: str
    benchmark: str
    part: str
    value: Callable[[Rows], float]
    least: float = float("-inf")
    most: float = float("inf")

    def row(self, measured: Mapping[str, Mapping[str, Rows]]) -> Row:
        """Return what was asked for beside what was found."""
        wanted = f"at most {self.most:g}" if self.least == float("-inf") else f"at least {self.least:g}"
        if self.least > float("-inf") and self.most < float("inf"):
            wanted = f"{self.least:g} to {self.most:g}"
        row: Row = {"bar": self.what, "wanted": wanted, "part": f"{self.benchmark} {self.part}"}
        try:
            value = float(self.value(measured[self.benchmark][self.part]))
        except LookupError:
            return row | {"found": "", "met": "not measured"}
        return row | {"found": value, "met": "yes" if self.least <= value <= self.most else "NO"}


def table(measured: Mapping[str, Mapping[str, Rows]]) -> Rows:
    """Return a row a bar.

    Args:
        measured: rows by benchmark and part.
    """
    return [bar.row(measured) for bar in bars()]


def bars() -> Iterator[Bar]:
    """Yield all bars."""
    for way, limits in SECONDS.items():
        for name, most in zip(NETWORKS, limits, strict=True):
            yield Bar(f"{name}, {way}: seconds an epoch", "epochs", f"{name}-{way}", of("epoch_s"), most=most)
    for name in NETWORKS:
        for whom, begins in OTHERS.items():
            yield Bar(f"{name}: times as fast as {whom}", "steps", name, ahead(begins), least=1.0)
    yield Bar("8 seeds of resnet20 over one", "seeds", "8-seeds", of("times_one", -1), most=2.5)
    for name in NETWORKS:
        yield Bar(f"{name}: gradient norms, percent of a step", "watching", name, of("percent", 0), most=1.0)
        yield Bar(f"{name}: a checkpoint each epoch, percent", "watching", name, of("percent", 1), most=2.0)
        yield Bar(f"{name}: waits that fetch nothing", "watching", name, of("other_waits", 2), most=0.0)
    yield Bar("tests marked gpu that do not pass", "tests", "marked", not_passed, most=0.0)
    yield Bar("64k steps, four networks: seconds", "degradation", "64k", of("seconds", -1), most=480.0)
    for place, (name, (least, most)) in enumerate(BANDS.items()):
        yield Bar(f"{name}: test error", "degradation", "64k", of("test_error", place), least, most)
    yield Bar("plain56 over plain20: test error", "degradation", "64k", deeper("test_error"), least=3.0)
    yield Bar("plain56 over plain20: training error", "degradation", "64k", deeper("train_error"), least=0.0)


def of(key: str, place: int = 0) -> Callable[[Rows], float]:
    """Return what takes one number of one row."""
    return lambda rows: rows[place][key]


def ahead(others: str) -> Callable[[Rows], float]:
    """Return what takes the speed over the fastest arm of others: the median of the ratios within rounds."""

    def ratio(rows: Rows) -> float:
        turns = {row["arm"]: row["turns_ms"] for row in rows if "turns_ms" in row}
        theirs = [turns[arm] for arm in turns if arm.startswith(others)]
        ratios = [median(b / a for a, b in zip(turns["skiprun"], each, strict=True)) for each in theirs]
        return sorted(ratios)[0]

    return ratio


def not_passed(rows: Rows) -> float:
    """Return how many tests did not pass; none that ran is no proof."""
    if not rows:
        raise LookupError("no test ran")
    return sum(row["outcome"] != "passed" for row in rows)


def deeper(error: str) -> Callable[[Rows], float]:
    """Return what takes the points of error that plain56 has more than plain20."""
    names = list(BANDS)
    return lambda rows: rows[names.index("plain56")][error] - rows[names.index("plain20")][error]

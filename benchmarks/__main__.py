"""python -m benchmarks [--device D] [--out FOLDER] [--quick] [--only NAME]...: measure and keep."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from benchmarks import bars, report
from benchmarks.apart import Outcome, in_own_process
from benchmarks.catalog import ALL, DEFAULT, OF_A_CPU, parts_of
from benchmarks.kept import Kept, code
from benchmarks.measure import Setting
from benchmarks.report import WIDTH
from skiprun.training.gpu import sees_gpu, why_no_gpu

LONGEST = 540.0  # seconds of a part on a GPU, which may be lent for ten minutes at a time
WORTH_IT = 60.0  # seconds that must be left for a part to begin

Rows = list[dict[str, Any]]


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where torch sees one")
    parser.add_argument("--out", type=Path, help="keep each part here, and measure only what is missing")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no part after that")
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run, and about how fast")
    parser.add_argument(
        "--only", action="append", choices=ALL, metavar="NAME", help=f"one of {', '.join(ALL)}"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="1: CPU time, which neighbours hardly touch; more: wall"
    )
    parser.add_argument(
        "--cifar10", help="for degradation: class folders, or the folder of the official file"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser.parse_args(arguments)


def choose(asked: argparse.Namespace) -> argparse.Namespace:
    """Fill in the device and what is measured on it; what cannot be ends the program in one line."""
    if asked.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # also for the programs that are started
    there = asked.device != "cpu" and sees_gpu()
    if asked.device == "cuda" and not there:
        refuse(f"--device cuda: {why_no_gpu()}. Use --device cpu here.")
    asked.device = asked.device or ("cuda" if there else "cpu")
    if refused := [name for name in asked.only or () if name in OF_A_CPU and there]:
        refuse(f"--only {refused[0]}: measured on a CPU; add --device cpu.")
    asked.only = asked.only or DEFAULT[asked.device]
    return asked


def refuse(reason: str) -> NoReturn:
    """End with one line."""
    print(f"python -m benchmarks: {reason}", file=sys.stderr)
    sys.exit(2)


class Session:
    """Measures parts one after another, until the time is up.

    Attributes:
        rows: what is measured, by benchmark and part.
        missing: whether a part failed or has to be started again.
    """

    def __init__(self, asked: argparse.Namespace, people: Console) -> None:
        self.setting = Setting(asked.device, asked.threads, asked.quick, cifar10=asked.cifar10)
        self.kept = Kept(asked.out, self.setting) if asked.out else None
        if self.kept:
            self.setting = replace(self.setting, runs=str(self.kept.folder.absolute() / "runs"))
        self.people, self.end = people, time.monotonic() + 60 * asked.minutes
        self.rows: dict[str, dict[str, Rows]] = {}
        self.missing = False

    def measure(self, name: str) -> None:
        """Measure the parts of a benchmark that are not kept, and show all."""
        self.say(f"{name}: {(ALL[name].__doc__ or '').splitlines()[0]}")
        kept = self.kept.parts(name) if self.kept else {}
        self.rows[name] = {part: each["rows"] for part, each in kept.items()}
        for part in parts_of(name, self.setting):
            if part not in kept:
                self.measure_part(name, part)
        self.people.print(report.table("", self.of(name)))

    def measure_part(self, name: str, part: str) -> None:
        """Measure a part and keep it, or say why not."""
        left = self.end - time.monotonic()
        limit = min(left, LONGEST) if self.setting.gpu else left
        if left < WORTH_IT:
            found: Outcome = {"unfinished": "not begun, as the time is up"}
        else:
            found = in_own_process(name, part, replace(self.setting, limit=limit))
        if "rows" not in found:
            [(what, reason)] = found.items()
            self.missing |= what != "skipped"
            self.say(f"{name} {part}: {what}, {reason}")
            return
        self.rows[name][part] = found["rows"]
        if self.kept:
            self.kept.add(name, part, found["rows"], report.machine(self.setting) | {"code": code()})

    def of(self, name: str) -> Rows:
        """Return the rows of all parts of a benchmark."""
        return [row for rows in self.rows[name].values() for row in rows]

    def say(self, line: str) -> None:
        """Print a line for people."""
        self.people.print(line, markup=False, highlight=False)


def main() -> int:
    """Run the benchmarks that were asked for, each part kept when it is done; 1 if any is missing."""
    asked = choose(options())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and end what was started
    session = Session(asked, Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH))
    for name in asked.only:
        session.measure(name)
        if session.of(name) and not session.kept and not asked.quick:
            results = {"machine": report.machine(session.setting), "benchmarks": {name: session.of(name)}}
            report.keep(results, report.stem(name, session.setting))
    machine = report.machine(session.setting)
    if session.kept:
        if session.setting.gpu:
            session.people.print(report.table("", bars.table(session.kept.rows())))
        session.say(f"All tables: {session.kept.write_tables()}")
    if asked.json:
        found = {name: session.of(name) for name in session.rows}
        print(json.dumps({"machine": machine, "benchmarks": found}, indent=2))
    return int(session.missing)


if __name__ == "__main__":
    sys.exit(main())

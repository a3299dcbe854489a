"""python -m benchmarks [--device D] [--quick] [--only NAME]... [--threads N] [--json]: measure and keep."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence

import torch
from rich.console import Console

from benchmarks import (
    costs,
    demo,
    floor,
    folders,
    instruments,
    numerics,
    parity,
    report,
    scaling,
    several,
    stacked,
    steps,
)
from benchmarks.measure import Setting, why
from benchmarks.report import WIDTH
from skiprun.system.torch_internals import use_private_cache

ALL = {
    "steps": steps,
    "several": several,
    "stacked": stacked,
    "demo": demo,
    "costs": costs,
    "scaling": scaling,
    "folders": folders,
    "floor": floor,
    "numerics": numerics,
    "parity": parity,
    "instruments": instruments,
}
ON_A_CPU = ("demo", "folders", "parity", "instruments")


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for, with the device and the benchmarks chosen."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where torch sees one")
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run, and about how fast")
    parser.add_argument(
        "--only", action="append", choices=ALL, metavar="NAME", help=f"one of {', '.join(ALL)}"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="1: CPU time, which neighbours hardly touch; more: wall"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    found = parser.parse_args(arguments)
    if found.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # also for the programs that are started
    there = found.device != "cpu" and torch.cuda.is_available()
    if found.device == "cuda" and not there:
        parser.error("--device cuda: torch sees no GPU here")
    found.device = found.device or ("cuda" if there else "cpu")
    off = ON_A_CPU if found.device == "cuda" else ()
    if refused := [name for name in found.only or () if name in off]:
        parser.error(f"--only {refused[0]}: measured on a CPU; add --device cpu")
    found.only = found.only or [name for name in ALL if name not in off]
    return found


def main() -> int:
    """Run the benchmarks that were asked for, each kept when it is done; 1 if one failed."""
    asked = options()
    setting = Setting(asked.device, asked.threads, asked.quick)
    use_private_cache()
    people, benchmarks = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH), {}
    for name in asked.only:
        people.print(f"{name}: {(ALL[name].__doc__ or '').splitlines()[0]}", markup=False)
        try:
            rows = benchmarks[name] = ALL[name].run(setting)
        except Exception as error:  # the others are worth having
            people.print(f"{traceback.format_exc()}{name} failed: {why(error)}", markup=False)
            continue
        people.print(report.table("", rows))
        if not asked.quick:
            results = {"machine": report.machine(setting), "benchmarks": {name: rows}}
            report.keep(results, report.stem(name, setting))
    if asked.json:
        print(json.dumps({"machine": report.machine(setting), "benchmarks": benchmarks}, indent=2))
    return int(len(benchmarks) < len(asked.only))


if __name__ == "__main__":
    sys.exit(main())

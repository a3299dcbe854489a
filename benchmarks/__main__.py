"""python -m benchmarks [--quick] [--only NAME]... [--threads N] [--json]: measure, show, and keep the results."""

from __future__ import annotations

import argparse
import json
import os

from rich.console import Console

from benchmarks import (
    costs,
    demo,
    floor,
    folders,
    instruments,
    numerics,
    parity,
    peers,
    report,
    scaling,
    several,
    stacked,
    steps,
)

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


def main() -> None:
    """Run the benchmarks that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds: does it run, and about how fast")
    parser.add_argument("--only", action="append", choices=ALL, metavar="NAME", help=f"one of {', '.join(ALL)}")
    parser.add_argument("--threads", type=int, default=1, help="1: CPU time, which neighbours hardly touch; more: wall")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(peers.folder().parent / "compiled")
    people, found = Console(stderr=True), {}
    for name in options.only or ALL:
        people.print(f"{name}: {(ALL[name].__doc__ or '').splitlines()[0]}", markup=False)
        found[name] = ALL[name].run(options.quick, options.threads)
        people.print(report.table("", found[name]))
    results = {"machine": report.machine(options.threads), "benchmarks": found}
    if options.json:
        print(json.dumps(results, indent=2))
    if not options.quick:
        parts = "-".join(options.only or ["all"])
        report.keep(results, f"cpu-{report.multiplier()}-{parts}-{options.threads}-threads")


if __name__ == "__main__":
    main()

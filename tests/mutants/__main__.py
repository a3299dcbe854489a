"""Judge a seeded sample of mutants, or go on with it: `python -m tests.mutants`, some hours on two cores.

What is known lies in `.mutants/`; a second start goes on, and lets survivors meet tests that are new. Remove
the folder to begin with the code of today.
"""

from __future__ import annotations

import argparse
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

from tests.mutants.covering import Covering
from tests.mutants.mutations import Mutation
from tests.mutants.report import Key, report
from tests.mutants.sample import SEED, Mutant, sample
from tests.mutants.trees import commit, copy_tree
from tests.mutants.trial import Bench
from tests.support import ROOT

FOLDER = ROOT / ".mutants"
PAGE = ROOT / "docs" / "mutants.md"
TREE = FOLDER / "tree"
BENCHES = [FOLDER / "bench-0", FOLDER / "bench-1"]  # of two mutants at once
Results = dict[Key, dict[str, Any]]


def main() -> None:
    """Measure what is not known, judge, and write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=None, help="no more of the sample than this")
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"of another sample, whose page is shown ({SEED})"
    )
    parser.add_argument("--report", action="store_true", help="make the page of what is known, and end")
    given = parser.parse_args()
    mutants, results = begin(given.seed), _results()
    if not given.report:
        judge(mutants[: given.most], results)
    page = report(mutants, results, given.seed, (FOLDER / "commit").read_text())
    if given.seed == SEED:
        PAGE.write_text(page)
    print(page)


def begin(seed: int) -> list[Mutant]:
    """Return the sample, drawn from the copy of the code, which is made here if there is none."""
    if not TREE.exists():
        copy_tree(ROOT, TREE)
        (FOLDER / "commit").write_text(commit(ROOT))
    kept = FOLDER / f"sample-{seed}.json"
    if not kept.exists():
        kept.write_text(json.dumps([asdict(mutant) for mutant in sample(TREE, seed)]))
    return [_mutant(row) for row in json.loads(kept.read_text())]


def judge(mutants: list[Mutant], results: Results) -> None:
    """Judge the mutants that are not known to be killed, on several copies at once."""
    copy_tree(ROOT, TREE)
    covering = Covering(FOLDER / "coverage", TREE)
    covering.measure()
    sound, unsound = {row["by"] for row in results.values()}, set[str]()
    benches: SimpleQueue[Bench] = SimpleQueue()
    for place in BENCHES:
        shutil.rmtree(place, ignore_errors=True)  # a mutant may be left in it
        benches.put(Bench(shutil.copytree(TREE, place), covering, sound, unsound))

    def one(mutant: Mutant) -> None:
        bench = benches.get()
        known = results.get(mutant.key, {"fate": "survived", "met": ""})
        if known["fate"] == "survived" and known["met"] != bench.digest(bench.tests(mutant)):
            results[mutant.key] = row = bench.judge(mutant)
            with (FOLDER / "results.jsonl").open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(row["fate"], *mutant.key, row["by"], sep=" | ", flush=True)
        benches.put(bench)

    with ThreadPoolExecutor(len(BENCHES)) as pool:
        list(pool.map(one, mutants))


def _mutant(row: dict[str, Any]) -> Mutant:
    return Mutant(**row | {"mutation": Mutation(**row["mutation"])})


def _results() -> Results:
    path = FOLDER / "results.jsonl"
    rows = map(json.loads, path.read_text().splitlines() if path.exists() else [])
    return {tuple(row["key"]): row for row in rows}


if __name__ == "__main__":
    main()

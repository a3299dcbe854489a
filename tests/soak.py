"""Start, kill, corrupt, fill, resume and compare, over and over: `python -m tests.soak --minutes 120`.

Each life of a run meets some mishaps, drawn at random; then it is continued to its end and compared with a
run that nobody touched. The report counts lives, kills and lost runs (there must be none), each kind of
mishap, and what would grow if something leaked.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks import loopback
from skiprun.config import RunConfig
from skiprun.run import Run
from tests.soak_clusters import soak_on_ranks, soak_on_ray
from tests.support.faulty import (
    EVERYTHING,
    KILLED,
    STEPS,
    KillAfterStep,
    SignalAfterStep,
    assert_same_runs,
    fault_config,
    finish,
    kill_at_line_of_save,
    kill_in_write,
    limit_file_size,
    start,
    trial,
)


def kill_after_step(config: RunConfig, runs: Path, chance: random.Random) -> bool:
    return trial(config, runs, progress=KillAfterStep(chance.randint(1, STEPS))) == KILLED


def kill_in_save(config: RunConfig, runs: Path, chance: random.Random) -> bool:
    return trial(config, runs, kill_at_line_of_save(chance.randint(1, 3), chance.randint(1, 35))) == KILLED


def kill_in_half_a_file(config: RunConfig, runs: Path, chance: random.Random) -> bool:
    return trial(config, runs, kill_in_write(chance.randint(1, 20))) == KILLED


def kill_at_random(config: RunConfig, runs: Path, chance: random.Random) -> bool:
    child = start(config, runs)
    time.sleep(chance.uniform(0, 0.5))
    child.kill()
    child.join()
    return child.exitcode == KILLED


def stop_by_signal(config: RunConfig, runs: Path, chance: random.Random) -> None:
    number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    assert trial(config, runs, progress=SignalAfterStep(chance.randint(1, STEPS), number)) in (
        0,
        128 + number,
    )


def fill_disk(config: RunConfig, runs: Path, chance: random.Random) -> None:
    assert trial(config, runs, partial(limit_file_size, chance.randint(600, 200_000))) in (0, 6)


def corrupt(config: RunConfig, runs: Path, chance: random.Random) -> None:
    """Flip a bit of last.pt, or cut it, if there is one before it."""
    folder = Run.of(runs, config).checkpoints
    last = folder / "last.pt"
    if (
        not (last.exists() and (folder / "previous.pt").exists())
        or Run.of(runs, config).summary_file.exists()
    ):
        return
    content = bytearray(last.read_bytes())
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        content[place] ^= 1 << chance.randrange(8)
    else:
        del content[place:]
    last.write_bytes(content)


MISHAPS: list[Callable[[RunConfig, Path, random.Random], bool | None]] = [
    kill_after_step,
    kill_in_save,
    kill_in_half_a_file,
    kill_at_random,
    stop_by_signal,
    fill_disk,
    corrupt,
]


def soak(seconds: float, kills: int, seed: int = 0) -> dict[str, int]:
    """Let runs live until the time is up or so many were killed; return the report."""
    chance, config, report = (
        random.Random(seed),
        fault_config(**EVERYTHING),
        Counter[str](lives=0, kills=0, lost=0),
    )
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        whole, runs = Path(folder) / "whole" / "runs", Path(folder) / "life" / "runs"
        finish(config, whole)
        grown: dict[str, list[int]] = {}
        while time.monotonic() < until and report["kills"] < kills:
            for mishap in chance.choices(MISHAPS, k=chance.randint(1, 4)):
                report["kills"] += bool(mishap(config, runs, chance))  # a run that is done sooner escapes
                report[mishap.__name__] += 1
            try:
                finish(config, runs)
                assert_same_runs(whole, runs, config)
            except AssertionError as error:
                report["lost"] += 1
                print(f"life {report['lives']} of seed {seed}: {error}", flush=True)
            for what, count in footprint(whole, runs).items():
                grown.setdefault(what, []).append(count)
            shutil.rmtree(runs.parent)
            report["lives"] += 1
    return dict(report) | {what: max(counts) - counts[0] for what, counts in grown.items()}


def footprint(whole: Path, runs: Path) -> dict[str, int]:
    """Return what would grow from life to life if something leaked, in this process and a run directory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "more open files than after the first life": len(list(Path("/proc/self/fd").iterdir())),
        "more megabytes of memory than after the first life": pages * resource.getpagesize() >> 20,
        "more files in a run than after the first life": len(files(runs)) - len(files(whole)),
        "more kilobytes in a run than after the first life": sum(file.stat().st_size for file in files(runs))
        >> 10,
    }


def files(folder: Path) -> list[Path]:
    """Return the files below a folder, but for a checkpoint that was damaged by hand."""
    return [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".damaged"]


def main() -> None:
    """Run for the given time and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--kills", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ray-kills", type=int, default=20, help="of workers of a Ray cluster; 0: none")
    parser.add_argument("--rank-kills", type=int, default=20, help="of ranks of one run; 0: none")
    given = parser.parse_args()
    started = time.monotonic()
    report = soak(given.minutes * 60, given.kills, given.seed)
    if given.ray_kills and (reason := loopback.why_not()):
        print(f"Nothing was killed on Ray: {reason}", flush=True)
    elif given.ray_kills:
        report |= soak_on_ray(given.ray_kills)
    if given.rank_kills:
        report |= soak_on_ranks(given.rank_kills, given.seed)
    for what, count in (report | {"seconds": round(time.monotonic() - started)}).items():
        print(f"{count:6}  {what}")
    sys.exit(sum(count for what, count in report.items() if what.startswith("lost")) > 0)


if __name__ == "__main__":
    main()

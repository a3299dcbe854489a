"""Start, kill, corrupt, fill, resume and compare, over and over: `python -m tests.soak --minutes 120`.

Each life of a run meets some mishaps, drawn at random; then it is continued to its end and compared with a run that
nobody touched. The report counts mishaps, lost runs (there must be none), and what would grow if something leaked.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.run import Run
from tests.faulty import (
    EVERYTHING,
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


def kill_after_step(config: RunConfig, runs: Path, chance: random.Random) -> None:
    trial(config, runs, progress=KillAfterStep(chance.randint(1, STEPS)))


def kill_in_save(config: RunConfig, runs: Path, chance: random.Random) -> None:
    trial(config, runs, kill_at_line_of_save(chance.randint(1, 3), chance.randint(1, 35)))


def kill_in_half_a_file(config: RunConfig, runs: Path, chance: random.Random) -> None:
    trial(config, runs, kill_in_write(chance.randint(1, 20)))


def kill_at_random(config: RunConfig, runs: Path, chance: random.Random) -> None:
    child = start(config, runs)
    time.sleep(chance.uniform(0, 1))
    child.kill()
    child.join()


def stop_by_signal(config: RunConfig, runs: Path, chance: random.Random) -> None:
    number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    assert trial(config, runs, progress=SignalAfterStep(chance.randint(1, STEPS), number)) in (0, 128 + number)


def fill_disk(config: RunConfig, runs: Path, chance: random.Random) -> None:
    assert trial(config, runs, partial(limit_file_size, chance.randint(600, 200_000))) in (0, 6)


def corrupt(config: RunConfig, runs: Path, chance: random.Random) -> None:
    """Flip a bit of last.pt, or cut it, if there is one before it."""
    folder = Run.of(runs, config).checkpoints
    last = folder / "last.pt"
    if not (last.exists() and (folder / "previous.pt").exists()) or Run.of(runs, config).summary_file.exists():
        return
    content = bytearray(last.read_bytes())
    place = chance.randrange(len(content))
    if chance.random() < 0.5:
        content[place] ^= 1 << chance.randrange(8)
    else:
        del content[place:]
    last.write_bytes(content)


MISHAPS = [kill_after_step, kill_in_save, kill_in_half_a_file, kill_at_random, stop_by_signal, fill_disk, corrupt]


def soak(seconds: float, lives: int, seed: int = 0) -> dict[str, int]:
    """Let runs live until the time or their number is up; return the report."""
    chance, config, report = random.Random(seed), fault_config(**EVERYTHING), Counter[str]()
    until = time.monotonic() + seconds
    handles = len(list(Path("/proc/self/fd").iterdir()))
    with tempfile.TemporaryDirectory() as folder:
        whole, runs = Path(folder) / "whole" / "runs", Path(folder) / "life" / "runs"
        finish(config, whole)
        size = files(whole)
        while time.monotonic() < until and report["lives"] < lives:
            for mishap in chance.choices(MISHAPS, k=chance.randint(1, 4)):
                mishap(config, runs, chance)
                report[mishap.__name__] += 1
            try:
                finish(config, runs)
                assert_same_runs(whole, runs, config)
                assert files(runs) <= size + 1, "files are left"  # last.damaged
            except AssertionError as error:
                report["lost"] += 1
                print(f"life {report['lives']} of seed {seed}: {error}")
            shutil.rmtree(runs.parent)
            report["lives"] += 1
    report["lost"] += 0
    report["kills"] = sum(report[mishap.__name__] for mishap in MISHAPS if mishap.__name__.startswith("kill"))
    report["open files more than at the start"] = max(0, len(list(Path("/proc/self/fd").iterdir())) - handles - 8)
    return dict(report)


def files(folder: Path) -> int:
    """Return the number of files below a folder."""
    return sum(file.is_file() for file in folder.rglob("*"))


def main() -> None:
    """Run for the given time and print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--lives", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started = time.monotonic()
    for what, count in soak(given.minutes * 60, given.lives, given.seed).items():
        print(f"{count:6}  {what}")
    print(f"{time.monotonic() - started:6.0f}  seconds")


if __name__ == "__main__":
    main()

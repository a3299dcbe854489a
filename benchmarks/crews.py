"""Many runs: four seeds of three networks two at a time beside one at a time, and what Ray adds to a run.

The first is `skiprun compare` from start to end, in turns. The second is 1,000 runs that train nothing: each
takes its lock and writes a whole run directory, in one process and then as tasks of a Ray cluster of this
machine, whose workers are warm. Ray runs in a network namespace with nothing but loopback.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

from benchmarks import loopback
from benchmarks.demo import seconds
from benchmarks.measure import Setting, Skipped
from skiprun.config import RunConfig
from skiprun.config_file import build_config
from skiprun.run import Run
from skiprun.system.machine import cores

NETWORKS = ("plain20", "plain56", "resnet56")
Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the two parts."""
    return {"jobs": partial(jobs, setting), "ray": partial(on_ray, setting)}


def jobs(setting: Setting) -> list[Row]:
    """Return the seconds of a comparison one run at a time and two at a time, by the wall clock."""
    rounds, quick = (1, ["--seeds", "1", "--set", "schedule.epochs=1"]) if setting.quick else (3, [])
    taken: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for number, found in taken.items():
            with tempfile.TemporaryDirectory() as runs:
                command = [sys.executable, "-m", "skiprun", "compare", *NETWORKS, "--quiet", "--runs", runs]
                found.append(seconds([*command, "--seeds", "4", *quick, "--jobs", str(number)]))
    speedups = [one / two for one, two in zip(taken[1], taken[2], strict=True)]
    return [
        {"arm": "--jobs 1", "seconds": statistics.median(taken[1]), "speedup": 1.0},
        {"arm": "--jobs 2", "seconds": statistics.median(taken[2]), "speedup": statistics.median(speedups)},
    ]


def on_ray(setting: Setting) -> list[Row]:
    """Return the milliseconds of a run that trains nothing, in one process and on Ray.

    Raises:
        Skipped: Ray is not here, or no network of its own can be had.
    """
    if reason := loopback.why_not():
        raise Skipped(reason)
    program = f"from benchmarks.crews import measure; measure({20 if setting.quick else 1000})"
    process = loopback.start(["-c", program])
    out, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(errors.strip().splitlines()[-1])
    return cast(list[Row], json.loads(out.splitlines()[-1]))


def measure(count: int) -> None:
    """Print the rows: so many runs here, and on Ray, where each worker has done some before."""
    from skiprun.experiment.on_ray.crew import OnRay

    with tempfile.TemporaryDirectory() as folder:
        alone = timed(lambda: [call() for call in calls(Path(folder) / "alone", count)])
        crew, warm_up = OnRay("local"), calls(Path(folder) / "warm", 4 * len(cores()))
        first = timed(lambda: crew.call(warm_up, lambda _: None))
        spread = timed(lambda: crew.call(calls(Path(folder) / "ray", count), lambda _: None))
        found = len(list(Path(folder).glob("ray/*/*/summary.json")))
    assert found == count, f"{found} of {count} runs are there"
    each, other = 1000 * alone / count, 1000 * spread / count
    rows = [
        {"arm": "one process", "runs": count, "ms_a_run": each},
        {"arm": "Ray, warm", "runs": count, "ms_a_run": other, "more_ms": other - each},
        {"arm": "Ray, first calls", "runs": len(warm_up), "seconds": first},
    ]
    print(json.dumps(rows))


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def calls(runs: Path, count: int) -> list[Callable[[], None]]:
    """Return what writes so many runs, each of another seed."""
    parts = {"model": {"name": "plain20"}, "data": {"name": "digits"}, "schedule": {"epochs": 1}}
    config = build_config({"name": "dummy", **parts})
    return [partial(write_run, config.replace(seed=seed).to_dict(), runs) for seed in range(count)]


def write_run(plain: dict[str, Any], runs: Path) -> None:
    """Take a run's lock and write its directory as training does, but for what is trained."""
    config: RunConfig = build_config(plain)
    with Run.of(runs, config).lock():
        run = Run.create(runs, config)
        run.record_environment(cast(Any, {"command": "dummy"}))
        run.record_status("unfinished", 0)
        rows = [{"step": step, "epoch": step / 10, "train/loss": 1 / step} for step in range(1, 101)]
        run.metrics_file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        for name in ("last.pt", "best.pt"):
            (run.checkpoints / name).write_bytes(bytes(1_000_000))
        run.finish(cast(Any, {"name": config.name, "seed": config.seed, "steps": 100}))

"""The part of the soak that kills one of several: a worker of a Ray cluster, a rank of a run."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

import yaml

from benchmarks import loopback
from skiprun.run import Run
from tests.support.faulty import EVERYTHING, assert_same_runs, fault_config
from tests.support.ray_programs import configs, train
from tests.support.torchrun import config, done, kill_a_rank, torchrun


def soak_on_ray(kills: int, runs: int = 8) -> dict[str, int]:
    """Kill workers of a Ray cluster while they train; return how many, and how many runs were lost."""
    wanted, lost = configs(runs), 0
    with tempfile.TemporaryDirectory() as folder:
        whole, other = Path(folder) / "whole", Path(folder) / "ray"
        train(whole, wanted, None)
        arguments = ["kill_workers", str(other), str(kills), str(runs)]
        process = loopback.start(["-m", "tests.support.ray_programs", *arguments])
        out, errors = process.communicate()
        if process.returncode:
            return {"lost on Ray": runs, errors.strip().splitlines()[-1]: 1}
        for config in wanted:
            try:
                assert_same_runs(whole, other, config)
            except AssertionError as error:
                lost += 1
                print(f"seed {config.seed} on Ray: {error}", flush=True)
    return {"workers of Ray killed": int(out.split()[-1]), "lost on Ray": lost}


def soak_on_ranks(kills: int, seed: int = 0, ranks: int = 2) -> dict[str, int]:
    """Kill ranks of runs that go on; return how many, and how many runs did not end as a whole one."""
    chance, killed, lost = random.Random(seed), 0, 0
    data = EVERYTHING["data"] | {"name": "digits", "batch_size": 64}
    wanted = fault_config(**EVERYTHING | {"data": data, "schedule": {"epochs": 40}})
    with tempfile.TemporaryDirectory() as folder:
        whole, runs = Path(folder) / "whole", Path(folder) / "life"
        command = "train", config(Path(folder), yaml.safe_dump(wanted.to_dict())), "--quiet", "--runs"
        done(torchrun(ranks, *command, whole))
        while killed < kills and not lost:
            try:
                while killed < kills and kill_a_rank(ranks, Run.of(runs, wanted), chance, *command, runs):
                    killed += 1
                done(torchrun(ranks, *command, runs))
                assert_same_runs(whole, runs, wanted)
            except AssertionError as error:
                lost += 1
                print(f"after {killed} kills of ranks: {error}", flush=True)
            shutil.rmtree(runs)
    return {"ranks killed": killed, "lost on ranks": lost}

"""Programs that train on Ray while something happens, apart from the network (`benchmarks.loopback`)."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from skiprun.config import RunConfig
from skiprun.experiment import Launcher, train_missing
from skiprun.experiment.on_ray.dispatch import Dispatch
from skiprun.experiment.planned import Planned
from skiprun.run import Run
from tests.support.faulty import fault_config


def configs(count: int, epochs: int = 60) -> list[RunConfig]:
    """Return seeds of an experiment of some seconds each."""
    data = {"name": "digits", "batch_size": 64}
    return [fault_config(data=data, schedule={"epochs": epochs}, seed=seed) for seed in range(count)]


def train(runs: Path, wanted: Sequence[RunConfig], ray: str | None, jobs: int | None = 2) -> list[Run]:
    """Train runs here, or on Ray."""
    planned = [Planned("run", f"run seed {each.seed}", Run.of(runs, each), each) for each in wanted]
    return train_missing(planned, runs, Launcher(jobs, ray))


def trainer_of(run: Run) -> int | None:
    """Return the process that trains a run now."""
    found = re.match(r"process (\d+) ", run.owner) if run.is_locked() else None
    return int(found[1]) if found else None


class Killer(threading.Thread):
    """Kills workers that train, each at a random moment after it has saved something."""

    def __init__(self, runs: Sequence[Run], kills: int, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.runs, self.left, self.chance = list(runs), kills, chance
        self.killed: list[int] = []

    def run(self) -> None:
        while self.left:
            time.sleep(self.chance.uniform(0, 1))
            found = {trainer_of(run) for run in self.runs if (run.checkpoints / "last.pt").exists()}
            if alive := sorted(found - {None, *self.killed}, key=str):
                victim = self.chance.choice(alive)
                assert victim is not None
                os.kill(victim, signal.SIGKILL)
                self.killed.append(victim)
                self.left -= 1


def kill_workers(runs: Path, kills: int, count: int, epochs: int = 60, seed: int = 0) -> int:
    """Train on an embedded Ray while workers are killed; return how many were."""
    wanted = configs(count, epochs)
    killer = Killer([Run.of(runs, each) for each in wanted], kills, random.Random(seed))
    killer.start()
    train(runs, wanted, "local")
    return len(killer.killed)


def remove_a_node(runs: Path, epochs: int = 60) -> int:
    """Train on two nodes, of which one is removed once both train; return how many nodes are left."""
    from ray.cluster_utils import Cluster

    cluster: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    second = cluster.add_node(num_cpus=1)
    wanted = configs(2, epochs)
    both = [Run.of(runs, each) for each in wanted]

    def remove() -> None:
        while not all(trainer_of(run) and (run.checkpoints / "last.pt").exists() for run in both):
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=False)

    threading.Thread(target=remove, daemon=True).start()
    train(runs, wanted, cluster.address, None)
    return len(cluster.list_all_nodes())


def lose_the_queue(runs: Path) -> int:
    """Train while the queue of what workers tell is lost, as with its machine; return how many runs end."""
    queue_of = Dispatch._queue

    def lost(dispatch: Dispatch) -> Any:
        queue = queue_of(dispatch)
        dispatch.ray.kill(queue.actor)
        return queue

    Dispatch._queue = lost  # type: ignore[assignment, method-assign]
    return len(train(runs, configs(2), "local"))


def main(program: str, runs: str, *numbers: str) -> None:
    """Run a program and print what it returns."""
    print("returned", globals()[program](Path(runs), *map(int, numbers)))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What several runs of one process share while they take turns."""

from __future__ import annotations

from dataclasses import dataclass

from skiprun.training.acceleration.branches import Branches
from skiprun.training.stopping import StopFlag


@dataclass(frozen=True)
class Beside:
    """What several runs of one process share.

    Attributes:
        runs: how many they are.
        branches: makes their steps together.
        stop: what signals ask.
    """

    runs: int
    branches: Branches
    stop: StopFlag

"""How long a run has trained: in this epoch, and in all of its sessions."""

from __future__ import annotations

import time


class Timers:
    """Seconds of training, by name: of the epoch, and of the whole run (train)."""

    def __init__(self) -> None:
        self.seconds = {"epoch": 0.0, "train": 0.0}
        self.started = time.monotonic()

    def start(self) -> None:
        """Begin to count."""
        self.started = time.monotonic()

    def update(self) -> None:
        """Add the time since the last update, or the start."""
        now = time.monotonic()
        self.seconds = {name: seconds + now - self.started for name, seconds in self.seconds.items()}
        self.started = now

    def reset_epoch(self) -> None:
        """Begin another epoch."""
        self.seconds["epoch"] = 0.0

    def state_dict(self) -> dict[str, float]:
        """Return the seconds by name."""
        return self.seconds

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on from the seconds of an earlier session."""
        self.seconds = {name: float(state[name]) for name in self.seconds}

"""Checkpoints: atomic, with a checksum, the last two kept, readable by `torch.load(weights_only=True)`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

from skiprun.errors import CheckpointError
from skiprun.system.background import Background
from skiprun.system.disk import storage_errors
from skiprun.system.files import replace_keeping
from skiprun.training.checkpoint_file import load, save, with_checksum
from skiprun.training.host_copy import state_on_host
from skiprun.training.seal import DamagedCheckpoint
from skiprun.training.state import Checkpoint


class Checkpoints:
    """The checkpoints of one run: last.pt and the one before it, and best.pt.

    A state of a GPU is copied to the host by one copy, and written in a thread, in the order of the calls.
    A file that fails is told at the next call, or where the context that this is ends. One of a CPU is
    written at once: copying it takes as long as packing it, and there is nothing that would go on meanwhile.

    Attributes:
        saved_step: the step of last.pt; None: not saved yet.
    """

    def __init__(self, folder: Path) -> None:
        self.last, self.previous, self.best = folder / "last.pt", folder / "previous.pt", folder / "best.pt"
        self.saved_step: int | None = None
        self.writer = Background(most_waiting=2)  # best.pt and last.pt

    def __enter__(self) -> Checkpoints:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the files; an error of one came before the error that ends the run, and is raised."""
        self.writer.close()

    @property
    def step(self) -> int | None:
        """The step of last.pt, None if there is no such file: not saved yet, or deleted by somebody since."""
        self.writer.settle()
        return self.saved_step if self.last.exists() else None

    def save_last(self, state: Checkpoint) -> None:
        """Write the newest state; the one before it stays until the new one is whole on the disk."""
        self._write(self._replace_last, state)

    def save_best(self, state: Checkpoint) -> None:
        """Write the weights that are the best so far."""
        self._write(partial(save, self.best), state)

    def load_best(self) -> Checkpoint:
        """Read best.pt; raise CheckpointError if it cannot be used."""
        self.writer.wait()
        return load(self.best)

    def _write(self, write: Callable[[Checkpoint], None], state: Checkpoint) -> None:
        on_host = state_on_host(state)
        if on_host is None:
            write(state)
        else:
            self.writer.do(lambda: write(on_host()))

    def _replace_last(self, state: Checkpoint) -> None:
        replace_keeping(self.last, self.previous, with_checksum(state))
        self.saved_step = state["step"]

    def load_last(self) -> tuple[Checkpoint | None, list[str]]:
        """Return the newest whole state, or None if there never was one, and what a person should know.

        Raises:
            CheckpointError: there are checkpoints, but none can be used.
        """
        damaged: dict[Path, str] = {}
        for path in (self.last, self.previous):
            if path.exists():
                try:
                    state = load(path)
                except DamagedCheckpoint as error:
                    damaged[path] = str(error)
                    continue
                for bad in damaged:  # out of the way, or the next save would keep it in place of the good one
                    with storage_errors("rename", bad):
                        bad.replace(bad.with_suffix(".damaged"))
                problems = list(damaged.values())
                if path == self.previous:
                    problems = problems or [f"{self.last}: there is no such checkpoint."]
                return state, [f"{problem} The one before it is used." for problem in problems]
        if damaged:
            way_out = "No checkpoint is left; `skiprun train --fresh` starts it over."
            raise CheckpointError("\n".join([*damaged.values(), way_out]))
        return None, []


class ReadCheckpoints(Checkpoints):
    """The checkpoints of a run that another rank writes."""

    def _write(self, write: Callable[[Checkpoint], None], state: Checkpoint) -> None:
        pass

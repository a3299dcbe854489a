"""Errors of a run directory that another process, or another experiment, has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.errors.kinds import SkiprunError


class RunBusy(SkiprunError):
    """Another process holds the lock of the run directory."""

    exit_code = 5

    def __init__(self, path: Path, owner: str) -> None:
        super().__init__(f"Run {path} is in use by {owner}. Wait for it, or stop it first.")


class RunTaken(SkiprunError):
    """The run directory holds another experiment."""

    exit_code = 5

    def __init__(self, path: Path, differences: Sequence[str], way_out: str | None = None) -> None:
        lines = "\n".join(f"  {line}" for line in differences)
        way_out = way_out or "Choose another --name, or start it over with --fresh."
        super().__init__(f"Run {path} holds another experiment:\n{lines}\n{way_out}")


class RunLengthened(RunTaken):
    """The run directory holds this experiment, made longer since."""

    def __init__(self, path: Path, change: str, when: str, state: str) -> None:
        finished = state == "finished"
        way_on = (
            f"`skiprun evaluate {path}` scores it" if finished else f"`skiprun resume {path}` goes on with it"
        )
        SkiprunError.__init__(
            self,
            f"Run {path} is this experiment, made longer by `skiprun resume`: {change} on {when} (history in "
            f"its environment.json). It is {state}; {way_on}. For the shorter one choose another --name.",
        )

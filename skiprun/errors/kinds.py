"""Every error that a user can meet, with its message and exit code.

SkiprunError            1   the run failed for another reason
 ├─ OutOfMemory         1   the device or the machine could not hold what was to be done
 ├─ RankLost            1   another process of the run ended without a word
 ├─ EndedElsewhere      -   another process of the run says why, and with which code
 ├─ InputError          2   config, name, option or data is wrong; nothing was written
 │   ├─ ConfigError         problems in a YAML file, all at once
 │   ├─ OptionError         a part refuses one of its options
 │   ├─ UnknownName         not in a registry
 │   ├─ DataNotFound        the dataset is not where it was looked for
 │   ├─ OtherData           not the data that a run was trained on
 │   ├─ BadImage          an image or a mask that cannot be used, by its file
 │   └─ BadImages         several, by what is wrong with them
 ├─ Diverged            3   a loss or a gradient was not finite
 ├─ CheckpointError     4   a checkpoint cannot be used
 ├─ RunBusy, RunTaken   5   another process, or another experiment, has the run directory
 ├─ StorageError        6   disk, permission or other input and output
 └─ Stopped  129, 130, 143  by a signal (SIGHUP, SIGINT, SIGTERM), with the checkpoint saved
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from skiprun.errors.words import counted, did_you_mean, with_type

MAX_PROBLEMS = 12


class SkiprunError(Exception):
    """Base of all errors that end a command with one message and no traceback."""

    exit_code = 1


class InputError(SkiprunError):
    """What the user gave cannot be used; nothing was written."""

    exit_code = 2


class ConfigError(InputError):
    """One or more problems of a config, one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        more = len(self.problems) - MAX_PROBLEMS
        shown = self.problems[:MAX_PROBLEMS] + ([f"and {counted(more, 'more problem')}"] if more > 0 else [])
        super().__init__("\n".join(shown))


class OptionError(InputError):
    """An option that a model, a connection or a dataset refuses; experiment adds the place in the file."""

    def __init__(self, key: str, problem: str) -> None:
        self.key, self.problem = key, problem
        super().__init__(f"{key}: {problem}")


class UnknownName(InputError):
    """A name that no registry entry has."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        self.kind, self.name = kind, name
        listing = "studies" if kind == "study" else f"{kind}s"
        shown = ", ".join(known) if len(known) <= 12 else f"see `skiprun {listing}`"
        super().__init__(f"No {kind} is called '{name}'.{did_you_mean(name, known)} Known: {shown}.")


class BrokenPlugin(InputError):
    """A module of another package, or a file of the user's own, that cannot be imported."""

    def __init__(self, module: str, cause: Exception) -> None:
        way_out = "Mend it." if module.endswith(".py") else "Mend it, or uninstall its package."
        super().__init__(f"Plug-in {module} cannot be imported ({with_type(cause)}). {way_out}")


class DataNotFound(InputError):
    """A dataset that is not on this machine."""

    def __init__(self, dataset: str, place: Path, way_out: str) -> None:
        super().__init__(f"Dataset '{dataset}' was not found in {place}. {way_out}")


class OtherData(InputError):
    """Data that is not what a run was trained on."""

    def __init__(self, run: Path, differences: Sequence[str], root: str | None, way_out: str) -> None:
        place = f" Its own was in {root}." if root else ""
        super().__init__(
            f"Run {run} was trained on other data: {'; '.join(differences)}.{place} Bring it back, name its "
            f"place with --root, or {way_out}."
        )


class Diverged(SkiprunError):
    """A value that must be finite was not."""

    exit_code = 3

    def __init__(self, what: str, step: int, lr: float, last_good: int | None) -> None:
        self.step = step
        super().__init__(
            f"The {what} is not finite at step {step} (lr {lr:g}); {kept(last_good)}. "
            "Try a lower optim.lr, a longer schedule.warmup or optim.clip_norm."
        )


def kept(last_good: int | None) -> str:
    """Say which checkpoint a run that failed can continue from."""
    return "no checkpoint is there" if last_good is None else f"the checkpoint of step {last_good} is kept"


class OutOfMemory(SkiprunError):
    """The device or the machine could not hold what was to be done."""


class CheckpointError(SkiprunError):
    """A checkpoint that is missing, damaged, foreign or of another model."""

    exit_code = 4


class StorageError(SkiprunError):
    """The disk, a permission or another part of input and output failed."""

    exit_code = 6


class Stopped(SkiprunError):
    """A signal ended the run at a step boundary, after the checkpoint was saved."""

    def __init__(self, signal_number: int, step: int | None = None) -> None:
        self.exit_code = 128 + signal_number
        after = "" if step is None else f" after step {step}"
        super().__init__(f"Stopped{after}; the checkpoint is saved. The same command continues.")


class RankLost(SkiprunError):
    """Another process that trained the same run ended without a word."""

    def __init__(self, count: int, why: str) -> None:
        super().__init__(
            f"One of the {count} processes of this run was lost ({why}), so all end; torchrun says which. "
            "The same command continues from the last checkpoint, with as many processes as you like."
        )


class EndedElsewhere(SkiprunError):
    """Another process that trained the same run has failed and says why; this one says nothing."""

    def __init__(self, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("Another process of this run says why it ended.")


def exit_code(error: BaseException) -> int:
    """Return the exit code of an error: its own, or that of the disk and the system, or 1."""
    if isinstance(error, SkiprunError):
        return error.exit_code
    return StorageError.exit_code if isinstance(error, OSError) else SkiprunError.exit_code

"""Every error that a user can meet, with its message and exit code.

SkiprunError            1   the run failed for another reason
 ├─ OutOfMemory         1   the device or the machine could not hold what was to be done
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

import contextlib
import difflib
import itertools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

# Letters that look like a digit: resnet2o is resnet20.
LOOK_ALIKE = str.maketrans("oOlI", "0011")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean ...?' with the nearest of the known names, or nothing."""
    known = list(known)
    alike = [each for each in known if each.translate(LOOK_ALIKE) == name.translate(LOOK_ALIKE)]
    near = alike or _nearest_number(name, known) or difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""


def _nearest_number(name: str, known: Iterable[str]) -> list[str]:
    """Return the name that differs in its numbers alone, and least: resnet22 -> resnet20, not resnet1202.

    What is a number and nothing else is a label, whose spelling is what went wrong.
    """

    def numbers(text: str) -> list[float]:
        return [float(each) for each in re.findall(r"[0-9]+", text)]  # of any length, which int() does not take

    wording = re.sub(r"[0-9]+", "0", name)
    alike = [each for each in known if re.sub(r"[0-9]+", "0", each) == wording != "0"]
    distances = {each: [abs(a - b) for a, b in zip(numbers(name), numbers(each), strict=True)] for each in alike}
    return sorted(alike, key=distances.__getitem__)[:1]


def some(names: Collection[str], most: int = 4) -> str:
    """Return names as a list for a sentence, cut where it grows long."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(itertools.islice(names, most)) + more


PLURALS = {"class": "classes"}


def counted(number: float, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is one: 1 run, 2 runs, 1.5 epochs."""
    shown = f"{number:,}" if isinstance(number, int) else f"{number:g}"
    return f"{shown} {noun if number == 1 else PLURALS.get(noun, noun + 's')}"


def printable(text: str) -> str:
    """Return text with its control characters spelled out: what comes from outside must not steer a terminal."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def kept(last_good: int | None) -> str:
    """Say which checkpoint a run that failed can continue from."""
    return "no checkpoint is there" if last_good is None else f"the checkpoint of step {last_good} is kept"


MOST_PROBLEMS = 12


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
        more = len(self.problems) - MOST_PROBLEMS
        shown = self.problems[:MOST_PROBLEMS] + ([f"and {counted(more, 'more problem')}"] if more > 0 else [])
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
        shown = ", ".join(known) if len(known) <= 12 else f"see `skiprun {kind}s`"
        super().__init__(f"No {kind} is called '{name}'.{did_you_mean(name, known)} Known: {shown}.")


class DataNotFound(InputError):
    """A dataset that is not on this machine."""

    def __init__(self, dataset: str, place: Path, way_out: str) -> None:
        super().__init__(f"Dataset '{dataset}' was not found in {place}. {way_out}")


class OtherData(InputError):
    """Data that is not what a run was trained on."""

    def __init__(self, run: Path, differences: Sequence[str], root: str | None, way_out: str) -> None:
        place = f" Its own was in {root}." if root else ""
        super().__init__(
            f"Run {run} was trained on other data: {'; '.join(differences)}.{place} Bring it back, name its place with "
            f"--root, or {way_out}."
        )


class BadImage(InputError):
    """An image or a mask that cannot be used."""

    advice = "Mend or remove it, or leave such files out with --skip-bad."

    def __init__(self, path: Path, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(path, problem)  # as given, so that it can come from another process

    def __str__(self) -> str:
        return f"{self.path} {self.problem}. {self.advice}".rstrip()


class BadImages(InputError):
    """Several that cannot be used."""

    def __init__(self, bad: Sequence[BadImage]) -> None:
        lines = "\n".join(f"  {line}" for line in grouped(bad))
        super().__init__(f"{len(bad)} images cannot be used:\n{lines}\n{BadImage.advice.replace('it', 'them', 1)}")


def grouped(bad: Sequence[BadImage]) -> list[str]:
    """Return what is wrong with files, a line a reason: with how many files have it, and some of their names."""
    files: dict[str, list[str]] = {}
    for each in bad:
        files.setdefault(each.problem, []).append(str(each.path))
    lines = [
        f"{names[0]} {problem}" if len(names) == 1 else f"{len(names)} files ({some(names, 3)}): {problem}"
        for problem, names in files.items()
    ]
    more = [f"and {len(lines) - MOST_PROBLEMS} more reasons"] if len(lines) > MOST_PROBLEMS else []
    return lines[:MOST_PROBLEMS] + more


def refuse(bad: Sequence[BadImage]) -> None:
    """Raise what is wrong with files, if there are any."""
    if bad:
        raise bad[0] if len(bad) == 1 else BadImages(bad)


class Diverged(SkiprunError):
    """A value that must be finite was not."""

    exit_code = 3

    def __init__(self, what: str, step: int, lr: float, last_good: int | None) -> None:
        self.step = step
        super().__init__(
            f"The {what} is not finite at step {step} (lr {lr:g}); {kept(last_good)}. "
            "Try a lower optim.lr, a longer schedule.warmup or optim.clip_norm."
        )


class OutOfMemory(SkiprunError):
    """The device or the machine could not hold what was to be done."""


# What torch, its libraries and the system say, in errors of several types.
NO_MEMORY = (
    "DefaultCPUAllocator",
    "out of memory",
    "bad_alloc",
    "ALLOC_FAILED",
    "Storage size calculation overflowed",
    "Cannot allocate memory",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error says that there was no memory left; torch is not imported for that."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


@contextlib.contextmanager
def memory_needed(part: str, way_out: str) -> Iterator[None]:
    """Let an error for want of memory say in which part it ran out, and what helps there."""
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemory(f"Out of memory {part}. {way_out}") from error


class CheckpointError(SkiprunError):
    """A checkpoint that is missing, damaged, foreign or of another model."""

    exit_code = 4


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
        way_on = f"`skiprun evaluate {path}` scores it" if finished else f"`skiprun resume {path}` goes on with it"
        SkiprunError.__init__(
            self,
            f"Run {path} is this experiment, made longer by `skiprun resume`: {change} on {when} (history in its "
            f"environment.json). It is {state}; {way_on}. For the shorter one choose another --name.",
        )


class StorageError(SkiprunError):
    """The disk, a permission or another part of input and output failed."""

    exit_code = 6


class Stopped(SkiprunError):
    """A signal ended the run at a step boundary, after the checkpoint was saved."""

    def __init__(self, signal_number: int, step: int | None = None) -> None:
        self.exit_code = 128 + signal_number
        after = "" if step is None else f" after step {step}"
        super().__init__(f"Stopped{after}; the checkpoint is saved. The same command continues.")

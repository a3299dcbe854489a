"""Errors of images and masks: one alone, or all that are wrong at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.errors.kinds import MAX_PROBLEMS, InputError
from skiprun.errors.words import some


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
        super().__init__(
            f"{len(bad)} images cannot be used:\n{lines}\n{BadImage.advice.replace('it', 'them', 1)}"
        )


def grouped(bad: Sequence[BadImage]) -> list[str]:
    """Return what is wrong with files, a line a reason: how many files have it, and some of their names."""
    files: dict[str, list[str]] = {}
    for each in bad:
        files.setdefault(each.problem, []).append(str(each.path))
    lines = [
        f"{names[0]} {problem}" if len(names) == 1 else f"{len(names)} files ({some(names, 3)}): {problem}"
        for problem, names in files.items()
    ]
    more = [f"and {len(lines) - MAX_PROBLEMS} more reasons"] if len(lines) > MAX_PROBLEMS else []
    return lines[:MAX_PROBLEMS] + more


def refuse(bad: Sequence[BadImage]) -> None:
    """Raise what is wrong with files, if there are any."""
    if bad:
        raise bad[0] if len(bad) == 1 else BadImages(bad)

"""A contract: a promise in words, and the function that tries it on an entry of a registry."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from skiprun.errors import SkiprunError, first_line, with_type
from skiprun.registry import Entry


class Unkept(Exception):
    """A promise that is not kept, and why."""


class NotTried(Exception):
    """A promise that is not asked of an entry, or cannot be tried here, and why."""


def require(condition: object, why: str) -> None:
    """Raise Unkept unless a condition holds."""
    if not condition:
        raise Unkept(why)


@dataclass(frozen=True)
class Subject:
    """An entry of a registry, and where its data is if it is a dataset that needs a folder."""

    kind: str
    entry: Entry[Any, Any]
    root: Path | None = None


@dataclass(frozen=True)
class ContractResult:
    """What came of a contract.

    Attributes:
        kind, name: of the entry.
        contract: what it promises.
        kept: None where it was not tried.
        why: it is not kept, or was not tried.
    """

    kind: str
    name: str
    contract: str
    kept: bool | None
    why: str = ""


@dataclass(frozen=True)
class Contract:
    """What an entry of a kind promises."""

    kind: str
    test: Callable[[Subject], None]

    @property
    def promise(self) -> str:
        """The promise in words."""
        return (self.test.__doc__ or "").strip().split("\n")[0].rstrip(".")

    def outcome(self, subject: Subject) -> ContractResult:
        """Try the contract; an error of the entry is a promise that is not kept."""
        said = subject.kind, subject.entry.name, self.promise
        try:
            with torch.random.fork_rng(devices=[]):
                self.test(subject)
        except NotTried as reason:
            return ContractResult(*said, None, str(reason))
        except Unkept as reason:
            return ContractResult(*said, False, str(reason))
        except Exception as error:
            return ContractResult(*said, False, _in_words(error))
        return ContractResult(*said, True)


def _in_words(error: Exception) -> str:
    """Return an error, with the line of the user's that raised it."""
    if isinstance(error, SkiprunError):
        return first_line(str(error))
    ours = str(Path(__file__).parents[2])
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(ours) and "site-packages" not in frame.filename
    ]
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return f"{with_type(error).rstrip('.')}{place}"


CONTRACTS: list[Contract] = []


def contract(kind: str) -> Callable[[Callable[[Subject], None]], Callable[[Subject], None]]:
    """Return a decorator that enters a contract of a kind; the docstring's first line is the promise."""

    def enter(test: Callable[[Subject], None]) -> Callable[[Subject], None]:
        CONTRACTS.append(Contract(kind, test))
        return test

    return enter


def contracts_of(kind: str) -> list[Contract]:
    """Return what an entry of a kind promises."""
    return [each for each in CONTRACTS if each.kind == kind]

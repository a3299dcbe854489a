"""A seeded sample of mutations, stratified by wing; it changes only where the code does."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.mutants.mutations import Mutation, change, mutations, read

SEED = 2015
SIZE = 400
FEWEST = 20  # of a wing, however small
STRATA = {
    "training": ["training"],
    "models": ["models"],
    "studies": ["studies"],
    "statistics": ["results", "claims"],
    "augmentation": ["data/augmentation"],
    "tasks": ["tasks"],
    "connections": ["connections"],
}


@dataclass(frozen=True)
class Mutant:
    """A mutation of the sample."""

    stratum: str
    mutation: Mutation
    before: str
    after: str

    @property
    def own_tests(self) -> tuple[str, ...]:
        """Return how the paths of the tests of its wing begin."""
        return tuple(f"tests/{folder.partition('/')[0]}/" for folder in STRATA[self.stratum])

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what tells it from others."""
        return self.mutation.module, self.before, self.after


def sample(root: Path, seed: int = SEED, size: int = SIZE) -> list[Mutant]:
    """Draw mutants in an order of which each beginning is a sample as well.

    A wing has as many as its share of the places where something can be mutated. Every place is as likely as
    the others, however many operators there are for it, and so are the operators of a place.
    """
    sites = {stratum: _sites(root, folders) for stratum, folders in STRATA.items()}
    total = sum(map(len, sites.values()))
    drawn = [
        Mutant(stratum, *drawn)
        for stratum, places in sites.items()
        for drawn in _draw(root, places, seed, max(FEWEST, round(size * len(places) / total)))
    ]
    return sorted(drawn, key=lambda mutant: _rank(seed, mutant.mutation.site))


def _sites(root: Path, folders: list[str]) -> dict[str, list[Mutation]]:
    found = defaultdict(list)
    for folder in folders:
        for path in sorted((root / "skiprun" / folder).rglob("*.py")):
            module = path.relative_to(root).as_posix()
            for mutation in mutations(module, read(root, module)):
                found[mutation.site].append(mutation)
    return found


def _draw(
    root: Path, sites: dict[str, list[Mutation]], seed: int, size: int
) -> Iterator[tuple[Mutation, str, str]]:
    for site in sorted(sites, key=lambda site: _rank(seed, site))[:size]:
        choices = sorted(sites[site], key=lambda mutation: _rank(seed, mutation.key))
        source = read(root, choices[0].module)
        changes = ((choice, change(source, choice.apply(source))) for choice in choices)
        yield from islice(((choice, *lines) for choice, lines in changes if lines), 1)


def _rank(seed: int, words: str) -> str:
    return hashlib.sha256(f"{seed}:{words}".encode()).hexdigest()

"""Refuse options of a comparison that contradict each other, or cannot change what is there already."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from pathlib import Path

from skiprun.config_file import said_by
from skiprun.errors import InputError

log = logging.getLogger(__name__)


def check_reach(options: Sequence[str], there: Collection[str], names: Collection[str]) -> None:
    """Log that options do not reach those of the names whose runs are there.

    Raises:
        InputError: they reach none of the names.
    """
    if not options or not there:
        return
    told = f"{', '.join(options)}: cannot change what is there already ({', '.join(there)})."
    if len(there) == len({*names}):
        raise InputError(f"{told} Leave it out, or name an architecture or a YAML file.")
    log.info(told)


def options_given(
    protocol: Path | str | None, overrides: Sequence[str], seeds: int | None, prefix: str | None
) -> list[str]:
    """Return the options of a comparison as they were given.

    Raises:
        InputError: two of them contradict each other.
    """
    if seeds and (seed := next((text for text in overrides if text.startswith("seed=")), None)):
        raise InputError(
            f"--set {seed}: found beside --seeds {seeds}, which trains seeds 0 to {seeds - 1}; give one."
        )
    options = {"--config": protocol, "--seeds": seeds, "--name": prefix}
    given = [f"{option} {value}" for option, value in options.items() if value is not None]
    return [*given, *(f"{said_by(text)} {text}" for text in overrides)]

"""Find the weights that a config starts from among the runs; identified by content, not by path."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.errors import InputError, RunTaken
from skiprun.models.weights import published
from skiprun.models.weights.weight_file import file_of
from skiprun.run import Run, run_folder


def with_known_weights(config: RunConfig, runs: Path) -> RunConfig:
    """Return a config that names its weights as its run in a folder does, where their content is the same.

    The name of a run in that folder becomes its directory.
    """
    run, ours = Run.of(runs, config), config.model.weights
    theirs = run.config.model.weights if run.config_file.exists() else None
    if ours is None or ours == theirs:
        return config
    found = with_weights_found(config, runs)
    same = theirs and is_same(run, theirs, found.model.weights or "")
    return _with_weights(config, theirs) if theirs and same else found


def with_weights_found(config: RunConfig, runs: Path) -> RunConfig:
    """Return a config in which the name of a run in a folder of runs is its directory."""
    wanted = config.model.weights
    if wanted is None or published.NAME.fullmatch(wanted):
        return config
    folder = run_folder(wanted, runs)
    is_name = folder != Path(wanted).expanduser() and folder.is_dir()
    return _with_weights(config, str(folder.absolute())) if is_name else config


def is_same(run: Run, theirs: str, ours: str) -> bool:
    """Tell whether a run began with the weights that a text means now: by its record, else by their file."""
    found = digest(ours)
    return found is not None and found == (begun_with(run) or digest(theirs))


def begun_with(run: Run) -> str | None:
    """Return the digest of the weights that a run recorded when it last began; None if it recorded none."""
    recorded = [session["weights"] for session in run.sessions() if "weights" in session]
    return recorded[-1] if recorded else None


def refuse_other_weights(run: Run, config: RunConfig, way_out: str | None = None) -> None:
    """Raise RunTaken if a run is finished, and began with other weights than its config means now."""
    weights = config.model.weights
    if (
        weights
        and run.summary_file.exists()
        and (known := begun_with(run))
        and digest(weights) not in (None, known)
    ):
        raise RunTaken(run.path, [f"model.weights: {weights} was trained anew, or replaced, since"], way_out)


def digest(wanted: str) -> str | None:
    """Return a digest of the file of weights; None if it is not there, or torchvision's, known by name."""
    if published.NAME.fullmatch(wanted):
        return None
    with contextlib.suppress(OSError, InputError), file_of(wanted).open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    return None


def _with_weights(config: RunConfig, weights: str) -> RunConfig:
    return config.replace(model=config.to_dict()["model"] | {"weights": weights})

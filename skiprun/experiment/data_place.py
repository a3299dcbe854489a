"""Find the data of a run again: where it was, or where it is said to be now."""

from __future__ import annotations

import contextlib
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.data.download.place import folder_of, is_there
from skiprun.data.uses import uses
from skiprun.errors import CheckpointError, InputError, StorageError
from skiprun.run import Run
from skiprun.run.documents import DataRecord
from skiprun.system.logs import data_log as log
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load


def recorded(run: Run) -> DataRecord:
    """Return what a run recorded of its data: in its summary, else a session, else its checkpoint."""
    if run.summary_file.exists():
        return run.summary()["data"]
    if found := of_sessions(run):
        return found[-1]
    last = Checkpoints(run.checkpoints).last
    with contextlib.suppress(CheckpointError):  # a damaged one is told by whoever goes on from it
        if last.exists():
            state = load(last)
            known: DataRecord = {"fingerprint": state["data"]}
            return {**known, "train": state["samples"]} if "samples" in state else known
    return {}


def of_sessions(run: Run) -> list[DataRecord]:
    """Return what a run's sessions recorded of its data, oldest first; nothing if the file is damaged."""
    with contextlib.suppress(StorageError):
        return [session["data"] for session in run.sessions() if "data" in session]
    return []


def config_with_data(run: Run, root: Path | str | None = None) -> RunConfig:
    """Return the config of a run with the place where its data is now.

    Args:
        run: whose data is looked for.
        root: the place, if it is not where it was.

    Raises:
        InputError: the data is nowhere where it was, or a place is given for data that has none.
    """
    config = run.config
    if root is not None and not uses(config.data.name, "root"):
        raise InputError(
            f"--root {root}: dataset '{config.data.name}' of {run.path} lies in no folder; leave it out."
        )
    if not uses(config.data.name, "root") or (root is None and config.data.root is None):
        return config
    if root is not None:
        place = folder_of(str(root))
        if not is_there(place):
            raise InputError(f"--root {root}: there is no such folder.")
    else:
        place = last_place(run, config)
        if place != folder_of(config.data.root):
            log.info(f"{run.name}: its data is in {place}.")
    return config.replace(data=config.to_dict()["data"] | {"root": str(place)})


def last_place(run: Run, config: RunConfig) -> Path:
    """Return the folder where a run last found its data, or else the one that its `data.root` means here."""
    roots = [root for record in [*reversed(of_sessions(run)), recorded(run)] if (root := record.get("root"))]
    places = [*map(Path, roots), folder_of(config.data.root)]
    found = next((place for place in places if is_there(place)), None)
    if found is None:
        raise InputError(
            f"Run {run.path}: its data was in {places[0]}, which is not there now. Bring it back, or name "
            "the place where it is with --root (root=... in Python)."
        )
    return found

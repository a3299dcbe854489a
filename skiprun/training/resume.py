"""Resume a run: check the last checkpoint before its state is loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch

from skiprun.config import ComputeConfig, RunConfig
from skiprun.errors import CheckpointError, ConfigError, explain_out_of_memory, with_type
from skiprun.run import differences, recorded_config
from skiprun.training.acceleration.compilation import ForwardPass
from skiprun.training.acceleration.step_maker import StepMaker
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.device import DeviceSetup
from skiprun.training.sample_order import BatchSampler
from skiprun.training.schedule import is_stable
from skiprun.training.state import RESUME_KEYS, Checkpoint, Conditions, refuse_incomplete

OF_OLD = {"ranks": 1}  # what earlier versions did not write down
FREE_SOME = "Free some, and the same command continues."


def read_last(
    checkpoints: Checkpoints, config: RunConfig, fingerprint: str, samples: int
) -> tuple[Checkpoint | None, list[str]]:
    """Return the newest state of a run, or None if there is none, and what a person should know.

    Args:
        checkpoints: of the run.
        config: of the run, as it is now.
        fingerprint: of its data, as it is now.
        samples: number of images to train on.

    Raises:
        CheckpointError: no state can be used, or it is of another experiment, seed or dataset.
    """
    with explain_out_of_memory("while the last checkpoint is read", FREE_SOME):
        state, notes = checkpoints.load_last()
    if state is None:
        return None, notes
    if "optimizer" not in state:
        raise CheckpointError(f"{checkpoints.last}: holds weights only; it is a copy of another file.")
    refuse_incomplete(checkpoints.last, state, RESUME_KEYS)
    refuse_another_experiment(checkpoints.last, state, config)
    if state["data"] != fingerprint:
        sizes = f"{state.get('samples', '?')} images to train on then, {samples} now"
        raise CheckpointError(
            f"{checkpoints.last}: the dataset has changed since ({sizes}); bring it back, or start it over "
            "with `skiprun train --fresh`."
        )
    return state, notes


def refuse_another_experiment(file: Path, state: Checkpoint, config: RunConfig) -> None:
    """Raise CheckpointError unless a state is of this experiment, perhaps made longer, and of this seed.

    Earlier versions wrote no config into best.pt, of which nothing can be said.
    """
    if "config" not in state:
        return
    try:
        theirs = recorded_config(state["config"])
    except ConfigError as error:
        raise CheckpointError(f"{file}: its config cannot be read ({error}).") from None
    stable = "samples" in state and is_stable(theirs, config, state["step"], state["samples"])
    if config.schedule.extends(theirs.schedule, stable):
        theirs = theirs.replace(schedule=config.to_dict()["schedule"])
    changed = differences(theirs, config, also=["seed"])
    if changed:
        raise CheckpointError(f"{file}: of another experiment ({'; '.join(changed)}).")


def conditions(setup: DeviceSetup, forward_pass: ForwardPass, ranks: int) -> Conditions:
    """Return what decides the bits of a step beside the config."""
    return {
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "pass": forward_pass.execution,
        "precision": setup.precision,
        "device": setup.device_name,
        "ranks": ranks,
    }


def restore_conditions(
    state: Checkpoint,
    now: Conditions,
    compute: ComputeConfig,
    forward_pass: ForwardPass,
    graph: StepMaker | None,
) -> None:
    """Go on with what a trial chose at the start: threads, pass and graph, where the config leaves them.

    Other ranks than then share the cores of a machine otherwise, and a pass is chosen for a kind of device.
    """
    if compute.threads is None and state.get("ranks", 1) == now["ranks"]:
        torch.set_num_threads(state["threads"])
    then = state.get("device", now["device"])
    if compute.compile == "auto" and (then == "cpu") == (now["device"] == "cpu"):
        forward_pass.execution = state.get("pass", "eager")
    if graph:
        graph.go_on(state["step"], state.get("graph"))


def changed_conditions(state: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    """Say what keeps a continued run from the bits of an uninterrupted one; nothing where nothing does."""
    then = {key: state.get(key, OF_OLD.get(key, "unknown")) for key in now}
    if now["device"] != "cpu":
        del then["threads"]  # they launch what a GPU computes
    changed = [f"{key} {value} -> {now[key]}" for key, value in then.items() if value != now[key]]
    return [f"Not bit-identical to an uninterrupted run: {', '.join(changed)}."] if changed else []


def last_validation(state: Checkpoint, order: BatchSampler) -> tuple[int, int]:
    """Return (whole epochs that are over, step that was validated last).

    An earlier version wrote down no validation, and counted the part of an epoch as a whole one.
    """
    step, epoch = state["step"], state["epoch"]
    if "validated" in state:
        return epoch, state["validated"]
    end = order.steps(epoch) if epoch else 0
    return (epoch - 1 if end > step else epoch), min(end, step)


@contextlib.contextmanager
def fitting(file: Path) -> Iterator[None]:
    """Turn any error of loading a state within into a CheckpointError that names its file."""
    try:
        with explain_out_of_memory("while the last checkpoint is read", FREE_SOME):
            yield
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{file}: does not fit this run ({with_type(error)}).") from None

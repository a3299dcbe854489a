"""Evaluate a finished run: rebuild its network from its config and score a split."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from skiprun.config import RunConfig
from skiprun.config_file import Override, complete_config, override
from skiprun.errors import CheckpointError, InputError
from skiprun.experiment.checks import located
from skiprun.experiment.data_place import config_with_data
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.parts import Parts
from skiprun.experiment.plugins import with_plugins
from skiprun.experiment.prepare import prepare
from skiprun.models import build_from_config
from skiprun.run import Run, run_folder, runs_folder
from skiprun.system.arguments import checked_arguments
from skiprun.training.checkpoint import Checkpoints
from skiprun.training.checkpoint_file import load
from skiprun.training.placing import put_rebuilt
from skiprun.training.resume import refuse_another_experiment

log = logging.getLogger(__name__)


@checked_arguments
def load_run(path: Path | str, runs: Path | str | None = None) -> Run:
    """Open a run by its directory, or by its name in the folder of all runs ($SKIPRUN_RUNS, or runs/)."""
    return Run.open(run_folder(path, Path(runs or runs_folder())))


@checked_arguments
def load_model(run: Run) -> nn.Module:
    """Return the network of a finished run with its best weights, in evaluation mode; it needs no dataset.

    Raises:
        CheckpointError: the checkpoint is missing, damaged or of another network.
    """
    data = run.summary()["data"]
    with_plugins(run.config)
    with located(run.config, "model"):
        model = build_from_config(run.config.model, data["num_classes"], data["image_shape"][0])
    load_weights(model, run)
    return model.eval()


def load_weights(model: nn.Module, run: Run, which: str = "best") -> None:
    """Load the best or the last weights of a run into a network built from its config.

    Raises:
        CheckpointError: they are missing, damaged, or of another experiment.
    """
    checkpoints = Checkpoints(run.checkpoints)
    path = checkpoints.best if which == "best" else checkpoints.last
    state = load(path)
    refuse_another_experiment(path, state, run.config)
    if which == "best":
        refuse_another_step(path, state.get("step"), run)
    try:
        model.load_state_dict(state["model"])
    except (RuntimeError, KeyError):
        raise CheckpointError(f"{path}: does not fit the network of config.yaml.") from None


def refuse_another_step(path: Path, step: object, run: Run) -> None:
    """Raise CheckpointError if a step is not that of the best scores of a finished run."""
    known = run.summary().get("best", {}).get("step", step) if run.summary_file.exists() else step
    if step != known:
        raise CheckpointError(f"{path}: of step {step}, not {known}, whose scores summary.json has.")


@checked_arguments
def rebuild(
    run: Run, root: Path | str | None = None, other_data: bool = False, device: str = "auto"
) -> Parts:
    """Rebuild all parts of a run from its own config, with its best weights.

    Args:
        run: with a best checkpoint.
        root: where its data is now; None: where it was.
        other_data: take data that is not the run's own, too.
        device: auto, cpu or cuda; weights do not care where they were trained.

    Raises:
        OtherData: the data is not what the run was trained on, and that was not asked for.
    """
    config = on_device(config_with_data(run, root), device)
    parts = prepare(config, given_weights=False, accept=KnownData(run, other_data))
    load_weights(parts.model, run)
    put_rebuilt(parts.model, parts.setup.device, config)
    return parts


def on_device(config: RunConfig, device: str) -> RunConfig:
    """Return a config that computes on auto, cpu or cuda, wherever it did before.

    Raises:
        ConfigError: there is no such device.
    """
    plain, source_locations = config.to_dict(), dict(config._source_locations)
    override(plain, source_locations, Override("--device", f"compute.device={device}"))
    return complete_config(plain, source_locations, "--device")


@checked_arguments
def choose_split(runs: Sequence[Run], split: str | None) -> str:
    """Return the split to score of runs; the test split of unfinished ones only if it was asked for.

    Raises:
        InputError: there is no such split.
    """
    if split is not None:
        check_split(split)
    waiting = [run for run in runs if not run.summary_file.exists()]
    if not waiting or split in ("train", "val"):
        return split or "test"
    what = f"{waiting[0].name} is {waiting[0].state}, not finished"
    if split is None:
        log.warning(
            f"{what}: this is its val split, as test is scored once, at the end; --split test scores it now."
        )
        return "val"
    log.warning(
        f"{what}: its test split is scored before its end; "
        "what is chosen after seeing it is not chosen blindly."
    )
    return split


def check_split(split: str) -> None:
    """Refuse a split that there is not."""
    if split not in ("train", "val", "test"):
        raise InputError(f"No split is called '{split}'; there are train, val and test.")

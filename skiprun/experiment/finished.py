"""Evaluate a finished run: rebuild its network from its config and score a split."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from skiprun.config import Count
from skiprun.data import Loaders
from skiprun.errors import CheckpointError, InputError, memory_needed
from skiprun.experiment.known_data import KnownData, config_with_data
from skiprun.experiment.parts import Parts, located, prepare
from skiprun.inference.evaluate import evaluate_batches
from skiprun.models import build_from_config
from skiprun.registry import TASKS
from skiprun.run import Run, run_folder, runs_folder
from skiprun.system.arguments import checked_arguments
from skiprun.tasks import Task
from skiprun.training.checkpoint import Checkpoints, load

log = logging.getLogger(__name__)


@checked_arguments
def load_run(path: Path | str, runs: Path | str | None = None) -> Run:
    """Open a run by its directory, or by its name in the folder of all runs ($SKIPRUN_RUNS, or runs/)."""
    return Run.open(run_folder(path, Path(runs or runs_folder())))


@checked_arguments
def load_model(run: Run) -> nn.Module:
    """Return the network of a finished run with its best weights, in evaluation mode; the dataset is not needed.

    Raises:
        CheckpointError: the checkpoint is missing, damaged or of another network.
    """
    data = run.summary()["data"]
    with located(run.config, "model"):
        model = build_from_config(run.config.model, data["num_classes"], data["image_shape"][0])
    return with_best_weights(model, run)


def with_best_weights(model: nn.Module, run: Run) -> nn.Module:
    """Load the best weights of a run into a network built from its config."""
    state = load(Checkpoints(run.checkpoints).best)
    try:
        model.load_state_dict(state["model"])
    except (RuntimeError, KeyError):
        raise CheckpointError(f"{run.checkpoints}: best.pt does not fit the network of config.yaml.") from None
    return model.eval()


@checked_arguments
def rebuild(run: Run, root: Path | str | None = None, other_data: bool = False) -> Parts:
    """Rebuild all parts of a run from its own config, with its best weights, on its device.

    Args:
        run: with a best checkpoint.
        root: where its data is now; None: where it was.
        other_data: take data that is not the run's own, too.

    Raises:
        OtherData: the data is not what the run was trained on, and that was not asked for.
    """
    parts = prepare(config_with_data(run, root), given_weights=False, accept=KnownData(run, other_data))
    with_best_weights(parts.model, run).to(parts.setup.device)
    return parts


@checked_arguments
def evaluate(
    model_or_run: nn.Module | Run | Path | str,
    data: Loaders | None = None,
    split: str | None = None,
    root: Path | str | None = None,
    other_data: bool = False,
    task: Task | None = None,
    batch_size: Count | None = None,
) -> dict[str, float]:
    """Return loss and scores of a split.

    A run is computed in its own precision, see `compute.precision`; a network as where this is called: in fp32, unless
    that is within torch.autocast. In bf16 a loss is about a thousandth off that of fp32.

    Args:
        model_or_run: a network, which needs `data`; or a finished run, by object, directory or name.
        data: the loaders to use; a run's own if None.
        split: train, val or test; None: test, but val of a run that is not finished.
        root, other_data: of a run, see `rebuild`.
        task: how to score; None: as the run does, and for a network as a config does that says nothing of it.
        batch_size: images at once; None: what a training step of the run has memory for, and 128 for a network.

    Raises:
        OtherData: the data is not what a run was trained on, and that was not asked for.
    """
    if isinstance(model_or_run, nn.Module):
        if data is None:
            raise InputError("evaluate(model, data): a network needs its data, from skiprun.data.load_data.")
        if root is not None or other_data:
            raise InputError("evaluate(): root and other_data are for a run; a network is scored on `data`.")
        split = choose_split((), split)
        check_network(model_or_run, data, split)
        with _scoring():
            scored = task or TASKS[data.task].target()
            return evaluate_batches(model_or_run, scored, data.batches(split, batch_size or 128))
    run = model_or_run if isinstance(model_or_run, Run) else load_run(model_or_run)
    split = choose_split([run], split)
    parts = rebuild(run, root, other_data)
    if data:
        parts = replace(parts, loaders=KnownData(run, other_data)(data))
    return score(replace(parts, task=task or parts.task), split, batch_size)


@checked_arguments
def score(parts: Parts, split: str, batch_size: Count | None = None) -> dict[str, float]:
    """Return loss and scores of a split of what was rebuilt, by as many images at once as its training step allows."""
    check_split(split)
    batches = parts.loaders.batches(split, batch_size or parts.evaluation_batch)
    with _scoring():
        return evaluate_batches(parts.model, parts.task, batches, parts.setup.autocast)


def _scoring() -> AbstractContextManager[None]:
    return memory_needed("in the evaluation", "Free some, or give evaluate() a smaller batch_size.")


def check_network(model: nn.Module, data: Loaders, split: str) -> None:
    """Refuse a network that takes other images than those of the data, or does not tell its classes apart."""
    images, _ = next(iter(data.batches(split, 1)))
    training = model.training
    try:
        with torch.no_grad(), memory_needed("in the evaluation", "Free some."):
            output = model.eval()(images)
    except (RuntimeError, ValueError, TypeError) as error:
        size = "x".join(map(str, data.image_shape))
        raise InputError(f"evaluate(): the network does not take the data's images of {size}: {error}") from None
    finally:
        model.train(training)
    # One score a class, or one a class and pixel; networks with several outputs put them first.
    needed = (1, data.num_classes, *(data.image_shape[1:] if data.task == "segmentation" else ()))
    if tuple(output.shape[-len(needed) :]) != needed:
        raise InputError(
            f"evaluate(): the network gives {list(output.shape)} for an image, and the {data.num_classes} classes of "
            f"the data need {list(needed)}."
        )


@checked_arguments
def choose_split(runs: Sequence[Run], split: str | None) -> str:
    """Return the split to score of runs: the test split of one that is not finished only if that was asked for.

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
        log.warning(f"{what}: this is its val split, as test is scored once, at the end; --split test scores it now.")
        return "val"
    log.warning(
        f"{what}: its test split is scored before its end; what is chosen after seeing it is not chosen blindly."
    )
    return split


def check_split(split: str) -> None:
    """Refuse a split that there is not."""
    if split not in ("train", "val", "test"):
        raise InputError(f"No split is called '{split}'; there are train, val and test.")

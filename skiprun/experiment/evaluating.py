"""Score a network or a finished run on a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from skiprun.config import Count
from skiprun.config_file import Override, Overrides, override_texts
from skiprun.data import Loaders
from skiprun.errors import InputError, explain_out_of_memory
from skiprun.experiment.finished import choose_split, load_run, rebuild
from skiprun.experiment.foreign import rebuild_file
from skiprun.experiment.foreign_weights import ForeignWeights
from skiprun.experiment.known_data import KnownData
from skiprun.experiment.scoring import _scoring, score
from skiprun.inference.evaluate import evaluate_batches
from skiprun.registry import TASKS
from skiprun.run import Run
from skiprun.system.arguments import checked_arguments
from skiprun.tasks import Task


@checked_arguments
def evaluate(
    model_or_run: nn.Module | Run | Path | str,
    data: Loaders | str | None = None,
    split: str | None = None,
    root: Path | str | None = None,
    other_data: bool = False,
    task: Task | None = None,
    batch_size: Count | None = None,
    device: str = "auto",
    *,
    model: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    overrides: Overrides = (),
    runs: Path | str | None = None,
) -> dict[str, float]:
    """Return loss and scores of a split; what `skiprun evaluate` does.

        skiprun.evaluate("digits-resnet56/seed-0", split="val")["error"]
        skiprun.evaluate("theirs.safetensors", model="resnet20", data="digits")

    A run is computed in its own precision, see `compute.precision`; a network as where this is called: in
    fp32, unless that is within torch.autocast. In bf16 a loss is about a thousandth off that of fp32.

    Args:
        model_or_run: a network, which needs `data`; a finished run, by object, directory or name; or a file
            of another program's weights, which needs `model` and `data`.
        data: the loaders to use; a run's own if None; of a file of weights, the name of a dataset.
        split: train, val or test; None: test, but val of a run that is not finished.
        root: of a run, see `rebuild`.
        other_data: of a run, see `rebuild`.
        task: how to score; None: as the run does, and for a network as a config does that says nothing of it.
        batch_size: images at once; None: what a training step of the run has memory for, and 128 for a
            network.
        device: of a run: auto, cpu or cuda. A network is scored where its data is.
        model: of a file of weights: its architecture, or `name:option=value`.
        mean: of a file of weights: what it was trained with, a number a channel; None: the training split's.
        std: likewise.
        overrides: of a file of weights: what is changed of its config, as `{"data.image_size": 32}`.
        runs: the folder of all runs; None: $SKIPRUN_RUNS, or runs/.

    Raises:
        OtherData: the data is not what a run was trained on, and that was not asked for.
    """
    if isinstance(model_or_run, nn.Module):
        if not isinstance(data, Loaders):
            raise InputError("evaluate(model, data): a network needs its data, from skiprun.data.load_data.")
        if root is not None or other_data:
            raise InputError("evaluate(): root and other_data are for a run; a network is scored on `data`.")
        split = choose_split((), split)
        check_network(model_or_run, data, split)
        with _scoring():
            scored = task or TASKS[data.task].target()
            return evaluate_batches(model_or_run, scored, data.batches(split, batch_size or 128))
    if model is not None or isinstance(data, str):
        if isinstance(model_or_run, Run) or model is None or not isinstance(data, str):
            raise InputError("evaluate(): a file of weights needs model and data, by name; a run neither.")
        computed = [*override_texts(overrides), Override("device", f"compute.device={device}")]
        weights = ForeignWeights(Path(model_or_run), model, data, root, mean, std, computed)
        return score(rebuild_file(weights, runs), choose_split((), split), batch_size)
    run = model_or_run if isinstance(model_or_run, Run) else load_run(model_or_run, runs)
    split = choose_split([run], split)
    parts = rebuild(run, root, other_data, device)
    if data:
        parts = replace(parts, loaders=KnownData(run, other_data)(data))
    return score(replace(parts, task=task or parts.task), split, batch_size)


def check_network(model: nn.Module, data: Loaders, split: str) -> None:
    """Refuse a network that takes other images than those of the data, or does not tell its classes apart."""
    images, _ = next(iter(data.batches(split, 1)))
    training = model.training
    try:
        with torch.no_grad(), explain_out_of_memory("in the evaluation", "Free some."):
            output = model.eval()(images)
    except (RuntimeError, ValueError, TypeError) as error:
        size = "x".join(map(str, data.image_shape))
        raise InputError(
            f"evaluate(): the network does not take the data's images of {size}: {error}"
        ) from None
    finally:
        model.train(training)
    # One score a class, or one a class and pixel; networks with several outputs put them first.
    needed = (1, data.num_classes, *(data.image_shape[1:] if data.task == "segmentation" else ()))
    if tuple(output.shape[-len(needed) :]) != needed:
        raise InputError(
            f"evaluate(): the network gives {list(output.shape)} for an image, and the {data.num_classes} "
            f"classes of the data need {list(needed)}."
        )

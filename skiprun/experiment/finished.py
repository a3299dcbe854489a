"""From a finished run back to its network: scores of a split, labels of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from skiprun.data import Loaders
from skiprun.data.decoding import decode
from skiprun.data.opening import read_file
from skiprun.errors import BadPicture, CheckpointError, InputError
from skiprun.experiment.known_data import KnownData, Say, config_with_data
from skiprun.experiment.masking import write_masks
from skiprun.experiment.parts import Parts, located, prepare
from skiprun.models import build_from_config
from skiprun.registry import TASKS
from skiprun.run import Run, runs_folder
from skiprun.training.checkpoint import Checkpoints, load
from skiprun.training.evaluate import evaluate as evaluate_batches
from skiprun.training.trainer import EVAL_BATCH


def load_run(path: Path | str, runs: Path | str | None = None) -> Run:
    """Open a run by its directory, or by its name in the folder of all runs ($SKIPRUN_RUNS, or runs/)."""
    path = Path(path).expanduser()
    return Run.open(path if path.exists() else Path(runs or runs_folder()).expanduser() / path)


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


def rebuild(run: Run, root: Path | str | None = None, other_data: bool = False, say: Say = lambda line: None) -> Parts:
    """Rebuild all parts of a run from its own config, with its best weights, on its device.

    Args:
        run: with a best checkpoint.
        root: where its data is now; None: where it was.
        other_data: take data that is not the run's own, too.
        say: told, in a line, where the data was found and what differs.

    Raises:
        OtherData: the data is not what the run was trained on, and that was not asked for.
    """
    parts = prepare(config_with_data(run, root, say), given_weights=False, accept=KnownData(run, other_data, say=say))
    with_best_weights(parts.model, run).to(parts.placement.device)
    return parts


def evaluate(
    model_or_run: nn.Module | Run | Path | str,
    data: Loaders | None = None,
    split: str = "test",
    root: Path | str | None = None,
    other_data: bool = False,
    say: Say = lambda line: None,
) -> dict[str, float]:
    """Return loss and scores of a split.

    Args:
        model_or_run: a network, which needs `data`; or a finished run, by object, directory or name.
        data: the loaders to use; a run's own if None.
        split: train, val or test.
        root, other_data, say: of a run, see `rebuild`.

    Raises:
        OtherData: the data is not what a run was trained on, and that was not asked for.
    """
    check_split(split)
    if isinstance(model_or_run, nn.Module):
        if data is None:
            raise InputError("evaluate(model, data): a network needs its data, from skiprun.data.load_data.")
        task = TASKS[data.task].thing()
        return evaluate_batches(model_or_run, task, data.batches(split, EVAL_BATCH))
    run = model_or_run if isinstance(model_or_run, Run) else load_run(model_or_run)
    parts = rebuild(run, root, other_data, say)
    return score(replace(parts, loaders=KnownData(run, other_data, say=say)(data)) if data else parts, split)


def score(parts: Parts, split: str) -> dict[str, float]:
    """Return loss and scores of a split of what was rebuilt."""
    check_split(split)
    batches = parts.loaders.batches(split, EVAL_BATCH)
    return evaluate_batches(parts.model, parts.task, batches, parts.placement.autocast)


def check_split(split: str) -> None:
    """Refuse a split that there is not."""
    if split not in ("train", "val", "test"):
        raise InputError(f"No split is called '{split}'; there are train, val and test.")


@torch.no_grad()
def predict(run: Run, files: Sequence[Path], top: int = 3, skip_bad: bool = False) -> Iterator[dict[str, Any]]:
    """Yield for each picture its file, label, probability and the `top` labels, by a run's best weights.

    A picture that cannot be used is an error, or is yielded with a 'problem' where it may be left out.

    Raises:
        BadPicture: a picture that cannot be read, by name.
    """
    data = run.summary()["data"]
    if data["task"] != "classification":
        raise InputError(f"Run {run.path} does not label pictures; its task is {data['task']}.")
    model = load_model(run)
    for file in files:
        try:
            picture = read_picture(file, data)
        except BadPicture as problem:
            if not skip_bad:
                raise
            yield {"file": str(file), "problem": problem.problem}
            continue
        probabilities = model(picture).softmax(1)[0]
        best = probabilities.topk(min(top, len(probabilities)))
        ranked = [
            {"label": data["class_names"][index], "probability": value}
            for value, index in zip(best.values.tolist(), best.indices.tolist(), strict=True)
        ]
        yield {"file": str(file), **ranked[0], "top": ranked}


def predict_masks(run: Run, files: Sequence[Path], out: Path, skip_bad: bool = False) -> Iterator[dict[str, Any]]:
    """Write the mask of each picture into a folder, by a run's best weights; see `write_masks`."""
    task = run.summary()["data"]["task"]
    if task != "segmentation":
        raise InputError(f"Run {run.path} does not find masks; its task is {task}.")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return write_masks(run, load_model(run).to(device), files, out, skip_bad)


def read_picture(file: Path, data: dict[str, Any]) -> Tensor:
    """Return a picture as the network saw its training set: [1, C, H, W], resized and cropped, normalized."""
    channels, height, width = data["image_shape"]
    values = decode(file, read_file(file), (width, height))
    if channels == 1:
        values = np.asarray(Image.fromarray(values).convert("L"))[..., None]
    pixels = torch.from_numpy(values.copy()).float().div(255).permute(2, 0, 1)
    mean, std = (torch.tensor(data[key]).reshape(-1, 1, 1) for key in ("mean", "std"))
    return ((pixels - mean) / std)[None]

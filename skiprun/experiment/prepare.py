"""Build what a config names: data, task and network; nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from skiprun.config import RunConfig
from skiprun.data import Loaders, load_data
from skiprun.data.pixels import sentence
from skiprun.errors import explain_out_of_memory
from skiprun.experiment.checks import building, check_batch, check_config, check_task, located
from skiprun.experiment.class_weights import class_weights, weights_note
from skiprun.experiment.matching import is_other
from skiprun.experiment.parts import Parts
from skiprun.models import build_from_config, cost
from skiprun.models.weights.freeze import freeze_from_config, learning_notes
from skiprun.models.weights.pretrained import load_from_config
from skiprun.registry import TASKS
from skiprun.system.arguments import checked_arguments
from skiprun.system.progress import ProgressCallback
from skiprun.training.acceleration.compilation import choose_execution
from skiprun.training.cpu_threads import choose_threads
from skiprun.training.device import DeviceSetup, choose_device, configure_process
from skiprun.training.ema import average_note
from skiprun.training.randomness import derive_seed
from skiprun.training.schedule import total_steps


@checked_arguments
def prepare(
    config: RunConfig,
    progress: ProgressCallback | None = None,
    given_weights: bool = True,
    accept: Callable[[Loaders], Loaders] | None = None,
) -> Parts:
    """Check a config, configure the process for it, and build what it names; the run is not written to.

    Args:
        config: the experiment.
        progress: told of (done, total, what) while data is prepared.
        given_weights: load `model.weights`; not needed where a checkpoint follows.
        accept: of a run that was begun: looks at the data before anything is built on it, as KnownData does.
            None: a new experiment, in which no key may be passed over.

    Raises:
        ConfigError: names, options or connections that do not exist or do not fit, all at once where that is
            possible.
        DataNotFound: the dataset is not on this machine.
    """
    check_config(config, accept is None, given_weights)
    setup = choose_device(config)
    configure_process(setup)
    parts = build(config, setup, progress, given_weights, accept)
    configure_process(parts.setup)
    return parts


def build(
    config: RunConfig,
    setup: DeviceSetup,
    progress: ProgressCallback | None,
    given_weights: bool,
    accept: Callable[[Loaders], Loaders] | None,
    data_device: torch.device | None = None,
) -> Parts:
    """Build what a checked config names; see `prepare`. The images lie where the run is, or elsewhere."""
    with (
        explain_out_of_memory("while the data is read", "Try a smaller data.image_size."),
        located(config, "data"),
    ):
        loaders = load_data(
            config.data,
            data_device or setup.device,
            progress,
            new=accept is None,
            split_seed=config.split_seed,
            fold=config.fold,
        )
        loaders = replace(accept(loaders) if accept else loaders, legacy_split=None)
    check_task(config, loaders.task)
    with located(config, "optim"):
        weights = None if is_other(loaders) else class_weights(config.optim, loaders)
    task = TASKS[loaders.task].target(**task_options(config, loaders.task), class_weights=weights)
    torch.manual_seed(derive_seed(config.seed_of("init"), "weights"))
    with building(config):
        model = build_from_config(config.model, loaders.num_classes, loaders.image_shape[0])
        report = load_from_config(model, config.model) if given_weights else None
        drawn = () if not given_weights else report.fresh if report else model.state_dict()
        freeze_from_config(model, config.model, drawn)
    notes = [*(report.notes if report else []), *learning_notes(model, config.model, drawn)]
    if loaders.pixels:
        notes.append(sentence(loaders.pixels, loaders.class_names))
    if weights is not None:
        notes.append(weights_note(weights, loaders.class_names))
    if note := average_note(config.optim.ema, total_steps(config, len(loaders.train))):
        notes.append(note)
    size = cost(model, loaders.image_shape)
    check_batch(config, model, loaders.image_shape)
    execution = choose_execution(config, setup.device, len(loaders.train), size.activation_bytes)
    threads = choose_threads(config, size.macs) if setup.device.type == "cpu" else None
    return Parts(
        config,
        replace(setup, execution=execution, threads=threads),
        loaders,
        task,
        model,
        size,
        tuple(notes),
        report,
    )


def task_options(config: RunConfig, task: str) -> dict[str, object]:
    """Return what the config says of the task, as arguments of its class."""
    smoothing: dict[str, object] = {"label_smoothing": config.optim.label_smoothing}
    if task != "segmentation":
        return smoothing
    return smoothing | config.segmentation.model_dump() | {"border_weight": config.data.border_weight}

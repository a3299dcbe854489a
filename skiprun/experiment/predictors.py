"""Networks of finished runs, placed on a device and ready to predict."""

from __future__ import annotations

from torch import nn

from skiprun.experiment.finished import load_model, on_device
from skiprun.inference.masks import Segmenter
from skiprun.registry import DATASETS
from skiprun.run import Run
from skiprun.training.device import choose_device
from skiprun.training.placing import put_rebuilt


def network_on(run: Run, device: str) -> nn.Module:
    """Return the network of a finished run on auto, cpu or cuda, wherever it was trained."""
    return put_rebuilt(load_model(run), choose_device(on_device(run.config, device)).device, run.config)


def load_segmenter(run: Run, device: str) -> Segmenter:
    """Return the network of a finished run that finds masks, on a device, and how it saw its images."""
    background = run.config.data.background
    return Segmenter(network_on(run, device), run.summary()["data"], resized_to(run), background)


def resized_to(run: Run) -> tuple[int, int] | None:
    """Return the width and height to which a run's images were resized; None where they were not."""
    config = run.config.data
    resized = DATASETS[config.name].info.resizes and config.image_size and config.fit != "tile"
    return (config.image_size, config.image_size) if resized and config.image_size else None

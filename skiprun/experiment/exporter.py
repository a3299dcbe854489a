"""A network with its best weights, written as files whose outputs were compared with its own before."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from skiprun.errors import DataNotFound, SkiprunError
from skiprun.experiment.export_facts import facts_of
from skiprun.experiment.finished import load_model, rebuild
from skiprun.models import build_from_config
from skiprun.models.export.agreement import Agreement, agreement
from skiprun.models.export.base import Facts, Format
from skiprun.run import Run
from skiprun.system.files import make_folder, write_bytes

log = logging.getLogger(__name__)
CHECKED, CHECKED_LARGER = 16, 2  # images of the validation split


@dataclass(frozen=True)
class ExportedFile(Agreement):
    """A file that was written, and how near it is to the network.

    Attributes:
        format: its name.
        file: where it is.
        bytes: its size.
        images: the images that a graph takes; None for weights alone.
        checked: how many images of the run were checked.
    """

    format: str
    file: str
    bytes: int
    images: str | None
    checked: int


@dataclass(frozen=True, eq=False)
class Exporter:
    """A network with its best weights, and what it computes.

    Attributes:
        run: whose it is.
        model: on the CPU, in evaluation mode.
        images: on which files are checked, [N, C, H, W].
    """

    run: Run
    model: nn.Module
    images: Tensor

    @classmethod
    def of(cls, run: Run, root: Path | str | None, other_data: bool) -> Exporter:
        """Rebuild a finished run; without its data, files are checked on noise, which is said."""
        try:
            parts = rebuild(run, root, other_data, "cpu")
            return cls(run, parts.model, next(parts.loaders.batches("val", CHECKED))[0].contiguous())
        except DataNotFound as error:
            log.warning(f"Checked on noise, as the run's data is not there: {error}")
            shape = run.summary()["data"]["image_shape"]
            images = torch.randn(CHECKED, *shape, generator=torch.Generator().manual_seed(0))
            return cls(run, load_model(run), images)

    def write(self, form: Format, place: Path) -> ExportedFile:
        """Write a file, after what it computes was compared; a graph for larger images too, where that holds.

        Raises:
            SkiprunError: it computes something else than the network; nothing is written.
        """
        try:
            content, near, larger = self.content(form, form.graph)
        except SkiprunError as error:
            raise SkiprunError(f"{place} was not written: {error}") from error
        make_folder(place.parent)
        write_bytes(place, content)
        return ExportedFile(
            **vars(near),
            format=form.name,
            file=str(place),
            bytes=len(content),
            images=self.image_size(larger) if form.graph else None,
            checked=len(self.images),
        )

    def content(self, form: Format, larger: bool) -> tuple[bytes, Agreement, bool]:
        """Return a file's content, how near it is to the network, and whether it is for larger images too."""
        try:
            content = form.write(self.model, self.images, self.facts(form, larger), larger)
            near = agreement(form, content, self.images, self.model, self.fresh_network())
            if larger:
                agreement(form, content, self.larger_images, self.model, self.fresh_network())
        except SkiprunError:
            if not larger:
                raise
            return self.content(form, larger=False)
        return content, near, larger

    @property
    def larger_images(self) -> Tensor:
        """Some of the images, more than twice as large, with odd sides."""
        height, width = self.images.shape[2:]
        return F.interpolate(self.images[:CHECKED_LARGER], (2 * height + 1, 2 * width + 3))

    def facts(self, form: Format, larger: bool) -> Facts:
        """Return what is said of the network in a file, of a graph also which images it takes."""
        if not form.graph:
            return self.own_facts
        sides = ("height", "width") if larger else self.images.shape[2:]
        shape = json.dumps(["batch", self.images.shape[1], *sides])
        return {**self.own_facts, "input_shape": shape, "image_size": self.image_size(larger)}

    def image_size(self, larger: bool) -> str:
        """Return which images a graph takes, in words."""
        height, width = self.images.shape[2:]
        return f"{height} x {width}" + " and larger" * larger

    @cached_property
    def own_facts(self) -> Facts:
        """What is said of the network."""
        return facts_of(self.run, self.model)

    def fresh_network(self) -> nn.Module:
        """Return the network that the run's config describes, with weights that are drawn."""
        data = self.run.summary()["data"]
        return build_from_config(self.run.config.model, data["num_classes"], data["image_shape"][0])

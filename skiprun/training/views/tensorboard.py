"""TensorBoard events of a run: scalars, depth maps, and a custom layout."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from skiprun.config import RunConfig
from skiprun.run import flat
from skiprun.system.documents import Row
from skiprun.system.event_files import EventFile
from skiprun.training.views.depth_map import DepthMap
from skiprun.training.views.gradient_image import GradientImage

LAYER = "grad_norm/"
BY_DEPTH = re.compile(r"\w+/\d{2,}\.")  # as in branch_ratio/03.layer1.2
FEW = 8  # lines in one chart that an eye can tell apart


class TensorBoard:
    """Writes records as events into the run directory."""

    def __init__(self, folder: Path, config: RunConfig) -> None:
        self.events = EventFile(folder)
        self.config = config
        self.hidden: set[str] | None = None
        self.epoch_rows: list[dict[str, float]] = []
        self.image: GradientImage | None = None
        self.depth_map = DepthMap()
        self.tags: dict[str, None] = {}
        self.laid_out = False
        self.events.writer.add_text(
            "config", f"```yaml\n{yaml.safe_dump(config.to_dict(), sort_keys=False)}```"
        )

    def add(self, record: Row) -> None:
        """Write the scalars of a record as one event, and the images where an epoch ends."""
        scalars = {
            tag: float(value)
            for tag, value in record.items()
            if "/" in tag or tag == "lr"
            if value is not None
        }
        self.tags |= dict.fromkeys(scalars)
        step = int(record["step"] or 0)
        by_depth = [tag for tag in record if BY_DEPTH.match(tag)]
        self.events.add_scalars(self._shown(scalars, by_depth), step)
        if by_depth:
            self.epoch_rows.append({tag: scalars.get(tag, math.nan) for tag in by_depth})
        if record.get("epoch_end"):
            self._end_epoch(step, record["epoch"] or 0)

    def _shown(self, scalars: dict[str, float], by_depth: Sequence[str]) -> dict[str, float]:
        """Leave out the layers that `log.layers: few` keeps for the images."""
        if self.config.log.layers == "all" or not by_depth:
            return scalars
        self.hidden = set(by_depth) - few_layers(by_depth) if self.hidden is None else self.hidden
        return {tag: value for tag, value in scalars.items() if tag not in self.hidden}

    def _end_epoch(self, step: int, epoch: float) -> None:
        if not self.laid_out:
            self.events.add_layout(self.tags)
            self.laid_out = True
        if self.epoch_rows:
            self._add_images(step, epoch)

    def _add_images(self, step: int, epoch: float) -> None:
        """Draw this epoch's medians: gradient norm beside the first epoch's, the rest as heat maps of all."""
        median = {tag: median_of([row[tag] for row in self.epoch_rows]) for tag in self.epoch_rows[0]}
        self.epoch_rows = []
        if norms := [value for tag, value in median.items() if tag.startswith(LAYER)]:
            self.image = self.image or GradientImage(norms)
            self.add_image("gradient norm over depth", self.image.draw(norms, epoch), step)
        if others := {tag: value for tag, value in median.items() if not tag.startswith(LAYER)}:
            self.depth_map.add(others, epoch)
            self.add_image("depth by epoch", self.depth_map.draw(), step)

    def add_image(self, tag: str, png: bytes, step: int) -> None:
        """Show a PNG."""
        self.events.add_image(tag, png, step)

    def close(self) -> None:
        """Enter the hyperparameters beside the latest scores, and finish the file."""
        if scores := [tag for tag in self.tags if tag.startswith(("val/", "test/"))]:
            self.events.add_hyperparameters(flat(self.config.to_dict()), scores, for_all=True)
        self.events.close()


def few_layers(tags: Iterable[str]) -> set[str]:
    """Return the tags of the first, the last and evenly spaced layers between, eight of each kind at most."""
    kinds: dict[str, list[str]] = {}
    for tag in tags:
        kinds.setdefault(tag.partition("/")[0], []).append(tag)
    return {found[place] for found in kinds.values() for place in _spread(len(found))}


def _spread(count: int) -> list[int]:
    shown = min(count, FEW)
    return [round(n * (count - 1) / max(shown - 1, 1)) for n in range(shown)]


def median_of(values: Sequence[float]) -> float:
    """Return the median of what is finite, NaN if nothing is."""
    return statistics.median(filter(math.isfinite, values)) if any(map(math.isfinite, values)) else math.nan

"""TensorBoard events of a run: scalars, depth maps, and a custom layout."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

import yaml
from tensorboard.compat.proto.summary_pb2 import Summary
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from skiprun.config import RunConfig
from skiprun.run import flat
from skiprun.system.documents import Row
from skiprun.training.views.depth_map import DepthMap
from skiprun.training.views.gradient_image import GradientImage

LAYER = "grad_norm/"
BY_DEPTH = re.compile(r"\w+/\d{2,}\.")  # as in branch_ratio/03.layer1.2
LAYOUT = {
    "Learning": {
        "loss": ["Multiline", ["train/epoch_loss", "val/loss"]],
        "error": ["Multiline", ["train/error", "val/error"]],
        "overlap of masks": ["Multiline", ["train/iou", "val/iou", "train/boundary", "val/boundary"]],
        "learning rate": ["Multiline", ["lr"]],
    },
    "Gradients": {
        "by layer": ["Multiline", ["grad_norm/.*"]],
        "total": ["Multiline", ["grad/total"]],
        "first over last": ["Multiline", ["grad/first_over_last"]],
    },
}


class TensorBoard:
    """Writes records as events into the run directory."""

    def __init__(self, folder: Path, config: RunConfig) -> None:
        for old in folder.glob("events.out.*"):
            old.unlink()  # the records come again from metrics.jsonl, so no point is ever doubled
        # Of a name that nobody can foresee, and so put a link at.
        self.writer = SummaryWriter(str(folder), max_queue=1000, filename_suffix=f".{token_hex(8)}")
        self.config = config
        self.epoch_rows: list[dict[str, float]] = []
        self.image: GradientImage | None = None
        self.depth_map = DepthMap()
        self.latest: dict[str, float] = {}
        self.writer.add_text("config", f"```yaml\n{yaml.safe_dump(config.to_dict(), sort_keys=False)}```")
        self.writer.add_custom_scalars(LAYOUT)

    def add(self, record: Row) -> None:
        """Write the scalars of a record as one event, and the images where an epoch ends."""
        scalars = {
            tag: float(value)
            for tag, value in record.items()
            if "/" in tag or tag == "lr"
            if value is not None
        }
        self.latest |= scalars
        step = int(record["step"] or 0)
        self._write([Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()], step)
        if by_depth := [tag for tag in record if BY_DEPTH.match(tag)]:
            self.epoch_rows.append({tag: scalars.get(tag, math.nan) for tag in by_depth})
        if record.get("epoch_end") and self.epoch_rows:
            self._add_images(step, record["epoch"] or 0)

    def _write(self, values: list[Summary.Value], step: int) -> None:
        self.writer._get_file_writer().add_summary(Summary(value=values), step)

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
        image = Summary.Image(encoded_image_string=png, height=1, width=1, colorspace=3)
        self._write([Summary.Value(tag=tag, image=image)], step)

    def close(self) -> None:
        """Enter the hyperparameters beside the latest scores, and finish the file."""
        scores = {tag: value for tag, value in self.latest.items() if tag.startswith(("val/", "test/"))}
        if scores:
            settings = {
                key: value if isinstance(value, bool | int | float | str) else str(value)
                for key, value in flat(self.config.to_dict()).items()
            }
            # SummaryWriter.add_hparams would also write each score again as a scalar, or open a second run.
            for summary in hparams(settings, scores):
                self.writer._get_file_writer().add_summary(summary)
        self.writer.close()


def median_of(values: Sequence[float]) -> float:
    """Return the median of what is finite, NaN if nothing is."""
    return statistics.median(filter(math.isfinite, values)) if any(map(math.isfinite, values)) else math.nan

"""TensorBoard's event files: opened under a name of their own, scalars of a step in one event, one layout."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from skiprun.errors import SkiprunError

if TYPE_CHECKING:  # TensorBoard takes a second to import
    from tensorboard.compat.proto.summary_pb2 import Summary
    from torch.utils.tensorboard import SummaryWriter

# Tags, as patterns, by chart and category; TensorBoard merges the layouts of all runs by these names.
LAYOUT = {
    "Learning": {
        "loss": ["train/epoch_loss", "val/loss"],
        "error": ["train/error", "val/error"],
        "overlap of masks": ["train/iou", "val/iou", "train/boundary", "val/boundary"],
        "learning rate": ["lr"],
    },
    "Gradients": {
        "by layer": ["grad_norm/.*"],
        "total": ["grad/total"],
        "first over last": ["grad/first_over_last"],
    },
}


@contextlib.contextmanager
def tensorboard_needed() -> Iterator[None]:
    """Import TensorBoard within; a failure says how to do without."""
    try:
        yield
    except ImportError as error:
        raise SkiprunError(
            f"TensorBoard cannot be imported ({error}). Install it again, or set log.tensorboard=false."
        ) from None


class EventFile:
    """Writes the events of one folder anew: what an earlier process wrote there goes.

    Raises:
        SkiprunError: TensorBoard cannot be imported.
    """

    def __init__(self, folder: Path) -> None:
        with tensorboard_needed():
            from torch.utils.tensorboard import SummaryWriter

        for old in folder.glob("events.out.*"):
            old.unlink()  # everything is written again, so no point is ever doubled
        # Of a name that nobody can foresee, and so put a link at.
        self.writer: SummaryWriter = SummaryWriter(
            str(folder), max_queue=1000, filename_suffix=f".{token_hex(8)}"
        )

    def add_layout(self, tags: Collection[str]) -> None:
        """Lay out the charts for which there are tags."""
        charts = {
            category: {
                name: ["Multiline", patterns] for name, patterns in drawn.items() if _any(patterns, tags)
            }
            for category, drawn in LAYOUT.items()
        }
        self.writer.add_custom_scalars({category: drawn for category, drawn in charts.items() if drawn})

    def add_scalars(self, scalars: Mapping[str, float], step: int) -> None:
        """Write the values of a step as one event."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        self.add(
            Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]),
            step,
        )

    def add_image(self, tag: str, png: bytes, step: int) -> None:
        """Show a PNG."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        image = Summary.Image(encoded_image_string=png, height=1, width=1, colorspace=3)
        self.add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def add_hyperparameters(
        self, settings: Mapping[str, object], scores: Iterable[str], for_all: bool = False
    ) -> None:
        """Enter settings beside the tags of scores, which are written as scalars.

        Args:
            settings: by name.
            scores: their tags.
            for_all: TensorBoard shows these names and tags of all runs, not those that it finds.
        """
        from torch.utils.tensorboard.summary import hparams

        plain = {
            key: value if isinstance(value, bool | int | float | str) else str(value)
            for key, value in settings.items()
        }
        # SummaryWriter.add_hparams would also write each score again as a scalar, or open a second run.
        shown, start, end = hparams(plain, dict.fromkeys(scores, 0.0))
        for summary in [shown, start, end] if for_all else [start, end]:
            self.add(summary)

    def add(self, summary: Summary, step: int | None = None) -> None:
        """Write one event."""
        self.writer._get_file_writer().add_summary(summary, step)

    def close(self) -> None:
        """Finish the file."""
        self.writer.close()


def _any(patterns: Iterable[str], tags: Iterable[str]) -> bool:
    return any(re.fullmatch("|".join(patterns), tag) for tag in tags)

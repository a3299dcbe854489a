"""Which epochs are drawn of a segmentation run, and the axes of the gradient by depth."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from skiprun.training.views.gradient_image import GradientImage
from skiprun.training.views.overlay_panels import panels
from skiprun.training.views.overlays import Overlays


def drawn(epochs: float, *, asked: list[float]) -> list[float]:
    unused: Any = None
    view = Overlays(Path("overlays"), nn.Identity(), unused, unused, epochs, None)
    return [epoch for epoch in asked if view.wants(epoch)]


def test_the_first_three_epochs_every_twentieth_part_and_the_end_are_drawn() -> None:
    assert drawn(100, asked=[*range(1, 101)]) == [1, 2, 3, *range(5, 101, 5)]
    assert drawn(10, asked=[*range(1, 11)]) == [*range(1, 11)]
    assert drawn(41, asked=[4, 5, 6, 39, 40, 41]) == [6, 39, 41]
    assert drawn(97.5, asked=[97, 97.5]) == [97.5], "a run may end within an epoch"


@pytest.mark.parametrize("shown", [True, False])
def test_what_was_drawn_before_the_run_was_continued_is_shown_where_there_is_a_board(
    shown: bool, tmp_path: Path
) -> None:
    (tmp_path / "epoch-0001.png").write_bytes(b"a drawing")
    images: list[tuple[str, bytes, int]] = []
    board: Any = SimpleNamespace(add_image=lambda *image: images.append(image)) if shown else None
    unused: Any = None
    view = Overlays(tmp_path, nn.Identity(), unused, unused, 3, board)
    view.add({"epoch": 1, "step": 4, "epoch_end": True})
    view.add({"epoch": 1, "step": 4})
    assert images == ([("overlays", b"a drawing", 4)] if shown else [])


def test_errors_are_two_colours_over_the_image_and_void_is_none() -> None:
    """Grey, a third as bright, but where an object is claimed, in red, or missed, in light blue.

    Printed in grey, the three are apart by 50 of 255 or more, however bright the image.
    """
    image = np.full((2, 2, 1), 200, np.uint8)
    truth, predicted = np.array([[0, 1], [1, 255]]), np.array([[1, 0], [1, 1]])
    *_, errors = panels(image, truth, predicted)
    (claimed, missed), (right, void) = (
        [errors[row, column].astype(int) for column in (60, -60)] for row in (60, -60)
    )
    assert claimed.tolist() == [255, 80, 60] and missed.tolist() == [150, 210, 255]
    assert right.tolist() == void.tolist() == [60, 60, 60]
    brightest_image = 255 * 60 / 200
    red, blue = (float(colour @ np.array([0.299, 0.587, 0.114])) for colour in (claimed, missed))
    assert red > brightest_image + 50 and blue > red + 50


def test_layers_are_numbered_from_one() -> None:
    image = GradientImage([0.1, 0.2, 0.3])
    depths = [np.asarray(line.get_xdata()).tolist() for line in image.axes.get_lines()]
    assert depths == [[1, 2, 3], [1, 2, 3]]
    assert image.draw([0.2, 0.3, 0.4], 2)[:4] == b"\x89PNG"

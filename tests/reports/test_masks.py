"""Overlays on the page: small, those of networks for masks alone, and nothing that only looks like one."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiprun.claims.comparison import compare_runs
from skiprun.reports.masks import mask_pictures
from skiprun.run import Run
from tests.support.fake_runs import write_run


def segmenting(root: Path, **files: bytes) -> Run:
    run = write_run(root, "unet", task="segmentation", test={"iou": 0.8})
    run.overlays.mkdir()
    for name, content in files.items():
        (run.overlays / f"{name.replace('_', '-')}.png").write_bytes(content)
    return run


def png(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)).save(buffer, "png")
    return buffer.getvalue()


def test_the_last_overlays_and_the_worst_are_shown_small(tmp_path: Path) -> None:
    run = segmenting(tmp_path, epoch_0001=png(8), epoch_0010=png(640), worst=png(640))
    pictures = mask_pictures(compare_runs([run]).groups)
    assert [each.caption for each in pictures] == [
        "unet, seed 0: the same images of the validation split, after epoch 10",
        "unet, seed 0: the test images where it is worst",
    ]
    for each in pictures:
        assert Image.open(io.BytesIO(each.webp)).size == (352, 352) and len(each.webp) < len(png(640)) / 10


@pytest.mark.parametrize(
    "content", [b"", b"<svg/>", png(8)[:40], png(1001)], ids=["empty", "text", "cut", "huge"]
)
def test_what_is_no_overlay_is_left_out(content: bytes, tmp_path: Path) -> None:
    assert mask_pictures(compare_runs([segmenting(tmp_path, epoch_0001=content)]).groups) == []
    assert mask_pictures(compare_runs([write_run(tmp_path, "resnet20")]).groups) == []

"""The heat map of depth by epoch: medians in their places, colours that fit, and an image an epoch in TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.colors import LogNorm
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from skiprun.training.views.depth_map import DepthMap, scale
from skiprun.training.views.tensorboard import TensorBoard
from tests.support.tiny import tiny_config


def record(step: int, ratio: float | None, *, end: bool = False) -> dict[str, float | bool | None]:
    sites = {
        f"{measure}/{number:02d}.layer1.{number}"
        for measure in ("branch_ratio", "skip_grad")
        for number in (1, 2)
    }
    return {"step": step, "epoch": 1 + step // 10, "epoch_end": end, **dict.fromkeys(sorted(sites), ratio)}


def test_a_column_an_epoch_holds_the_medians_by_depth(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, tiny_config())
    for step, ratio in enumerate((1.0, 2.0, 9.0, 3.0, 5.0), start=7):
        board.add(record(step, ratio, end=step in (9, 11)))
    board.close()
    assert board.depth_map.epochs == [1, 2]
    assert board.depth_map.columns == {
        "branch_ratio": [[2.0, 2.0], [4.0, 4.0]],
        "skip_grad": [[2.0, 2.0], [4.0, 4.0]],
    }
    reader = EventAccumulator(str(tmp_path), size_guidance={"images": 0})
    reader.Reload()
    assert reader.Tags()["images"] == ["depth by epoch"]
    assert [image.step for image in reader.Images("depth by epoch")] == [9, 11]


def test_sites_are_rows_whatever_else_is_measured_there() -> None:
    shown = DepthMap()
    shown.add({"branch_ratio/01.a": 1.0, "gate/01.a": 0.2, "branch_ratio/02.b": 3.0}, epoch=4)
    assert (shown.columns, shown.epochs) == ({"branch_ratio": [[1.0, 3.0]], "gate": [[0.2]]}, [4])
    assert shown.draw()[:8] == b"\x89PNG\r\n\x1a\n"


def test_signs_are_seen_around_zero_and_decades_as_such() -> None:
    around = scale([[-0.5, 0.1]])["norm"]
    assert (around.vmin, around.vmax) == (-0.5, 0.5)
    assert isinstance(scale([[0.1, 10.0]])["norm"], LogNorm)
    for low in (0.0, 1.0):
        plain = scale([[low, 2.0]])["norm"]
        assert (plain.vmin, plain.vmax) == (low, 2.0) and not isinstance(plain, LogNorm)


def test_what_is_not_a_number_leaves_its_place_empty(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, tiny_config())
    for step, ratio in enumerate((math.nan, None, 4.0, math.inf), start=1):
        board.add(record(step, ratio, end=step in (2, 4)))
    board.close()
    empty, full = board.depth_map.columns["branch_ratio"]
    assert all(map(math.isnan, empty)) and full == [4.0, 4.0]
    assert scale([empty])["norm"].vmin == 0.0 and scale([empty, full])["norm"].vmin == 4.0

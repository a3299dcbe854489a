"""The heat map of depth by epoch: medians in place, colours that fit, an image an epoch in TensorBoard."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
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


def drawn(shown: DepthMap, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """Return the figure that is drawn."""
    figures: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    shown.draw()
    return figures[0]


def test_panels_lie_three_in_a_row_and_do_not_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = DepthMap()
    shown.add({f"{measure}/01.a": 1.0 for measure in "abcde"}, epoch=1)
    figure = drawn(shown, monkeypatch)
    assert figure.get_size_inches() == pytest.approx((3 * 2.9, 2 * 2.5))
    boxes = [axes.get_position() for axes in figure.axes if axes.get_title(loc="left")]
    assert len(boxes) == 5
    assert all(0 < box.x0 < box.x1 < 1 and 0 < box.y0 < box.y1 < 1 for box in boxes)
    rows, columns = ([round(box.y0, 6) for box in boxes], [round(box.x0, 6) for box in boxes])
    assert rows[0] == rows[1] == rows[2] > rows[3] == rows[4]
    assert columns[0] < columns[1] < columns[2] and columns[:2] == columns[3:]
    assert boxes[0].x1 < boxes[1].x0 and boxes[3].y1 < boxes[0].y0
    one = DepthMap()
    one.add({"a/01.a": 1.0}, epoch=1)
    assert drawn(one, monkeypatch).get_size_inches() == pytest.approx((2.9, 2.5))


@pytest.mark.parametrize(
    ("epochs", "named"), [(6, [1, 2, 3, 4, 5, 6]), (7, [1, 3, 5, 7]), (13, [1, 4, 7, 10, 13])]
)
def test_a_cell_is_centred_on_its_epoch_and_its_layer(
    epochs: int, named: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = DepthMap()
    for epoch in range(1, epochs + 1):
        shown.add({"a/01.a": 1.0, "a/02.b": 2.0, "a/03.c": 3.0}, epoch=10 * epoch)
    axes = drawn(shown, monkeypatch).axes[0]
    assert [*axes.images[0].get_extent()] == [0.5, epochs + 0.5, 3.5, 0.5], "the input is at the top"
    assert [axes.get_xticks().tolist(), [label.get_text() for label in axes.get_xticklabels()]] == [
        named,
        [str(10 * epoch) for epoch in named],
    ]


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

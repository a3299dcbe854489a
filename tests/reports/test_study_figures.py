"""Figures and tables of studies, from documents written by hand: no torch, no study."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from mpl_toolkits.mplot3d import Axes3D
from PIL import Image
from rich.console import Console

from skiprun.palette import COLOURS
from skiprun.reports.drawing import Drawing
from skiprun.reports.study_figures import draw_study, write_study
from skiprun.reports.study_lines import draw_bars, draw_lines
from skiprun.reports.study_rows import grids_of, lines_of, ways_over
from skiprun.reports.study_surfaces import draw_contours, draw_matrix, draw_relief
from skiprun.reports.study_tables import study_table
from skiprun.results.study_documents import Description, Document, Row
from skiprun.system.files import json_safe


def describe(kind: str, x: str = "x", y: str = "y", **more: Any) -> Description:
    plain = {"title": "A title", "kind": kind, "x": x, "y": y, "xlabel": "place (m)", "ylabel": "size (kg)"}
    rest: dict[str, Any] = {
        "value": "",
        "valuelabel": "",
        "where": {},
        "group": "",
        "panel": "",
        "band": None,
        "guides": (),
        "log": False,
    }
    return cast(Description, plain | rest | more)


def document(label: str, rows: Sequence[Row], *figures: Description, **facts: Any) -> Document:
    """Return what is shown of a study's document; what it ran on is left out."""
    shown = {
        "study": "trial",
        "label": label,
        "rows": rows,
        "figures": list(figures),
        "facts": facts,
        "verdict": f"All of {label} is well.",
    }
    return cast(Document, shown)


def surface(scale: float, size: int = 5) -> list[dict[str, Any]]:
    places = [2 * step / (size - 1) - 1 for step in range(size)]
    return [{"x": x, "y": y, "loss": scale * (0.01 + x * x + y * y)} for y in places for x in places]


SURFACE = describe("surface", value="loss", valuelabel="loss (nats)", log=True)


def text(renderable: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(renderable)
    printed: str = console.file.getvalue()  # type: ignore[attr-defined]
    return printed


def test_lines_have_names_units_bands_and_one_guide_if_all_share_it() -> None:
    rows = [{"x": x, "y": x + 1.0, "low": x, "high": x + 2.0, "theory": 1.0} for x in range(4)]
    figure = describe("lines", band=("low", "high"), guides=("theory",))
    drawn = draw_lines(figure, [document("one", rows, figure), document("two", rows, figure)])
    (axes,) = drawn.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("place (m)", "size (kg)")
    assert [text.get_text() for text in drawn.legends[0].get_texts()] == ["one", "two", "theory"]
    assert len(axes.collections) == 2  # a band for each
    grey = [line for line in axes.lines if line.get_color() == "grey" and np.size(line.get_xdata())]
    assert len(grey) == 1
    assert {line.get_color() for line in axes.lines} - {"grey"} == set(COLOURS[:2])


def test_a_guide_of_each_network_has_its_colour() -> None:
    figure = describe("lines", guides=("theory",))
    documents = [
        document(label, [{"x": x, "y": 1.0, "theory": x * slope} for x in range(3)], figure)
        for label, slope in (("one", 1.0), ("two", 2.0))
    ]
    (axes,) = draw_lines(figure, documents).axes
    thin = [line.get_color() for line in axes.lines if line.get_linewidth() < 1 and np.size(line.get_xdata())]
    assert thin == list(COLOURS[:2])


def test_what_has_no_place_on_a_logarithmic_axis_is_left_out() -> None:
    rows = [{"x": x, "y": value} for x, value in enumerate([1.0, 0.0, None, math.nan, math.inf, -1.0, 100.0])]
    (line,) = lines_of([document("one", rows)], describe("lines", log=True))
    assert line.places == [0.0, 6.0]
    safe: Any = json_safe(rows)
    (line,) = lines_of([document("one", safe)], describe("lines"))
    assert line.places == [0.0, 1.0, 5.0, 6.0]


@pytest.mark.parametrize(("value", "log"), [(math.inf, False), (math.nan, False), (0.0, True)])
def test_a_figure_without_any_place_is_not_drawn(value: float, log: bool) -> None:
    assert not draw_study([document("one", [{"x": 1, "y": value}], describe("lines", log=log))])


def test_panels_share_scales_and_one_legend_and_each_has_a_table() -> None:
    rows = [
        {"x": x, "y": float(x * scale), "net": net, "kind": kind}
        for kind, scale in (("plain", 1), ("residual", 9))
        for net in ("short", "long")
        for x in range(3)
    ]
    figure = describe("lines", group="net", panel="kind")
    drawing = draw_lines(figure, [document("one", rows)])
    plain, residual = drawing.axes
    assert [axes.get_title(loc="left") for axes in (plain, residual)] == ["plain", "residual"]
    assert plain.get_ylim() == residual.get_ylim()
    (legend,) = drawing.legends
    assert [name.get_text() for name in legend.get_texts()] == ["short", "long"]
    shown = text(study_table([document("one", rows, figure)]))
    assert "plain: size (kg)" in shown and "residual: size (kg)" in shown


def test_rows_are_chosen_grouped_and_sorted() -> None:
    rows = [
        {"what": "a", "net": net, "x": x, "y": 1.0 * x} for x in (2, 0, 1) for net in ("deep", "wide")
    ] + [{"what": "b", "x": 0, "y": 5.0}]
    lines = lines_of([document("one", rows)], describe("lines", where={"what": "a"}, group="net"))
    assert [(line.label, line.places) for line in lines] == [
        ("deep", [0.0, 1.0, 2.0]),
        ("wide", [0.0, 1.0, 2.0]),
    ]
    lines = lines_of(
        [document("one", rows), document("two", rows)], describe("lines", where={"what": "a"}, group="net")
    )
    assert [line.label for line in lines] == ["one, deep", "one, wide", "two, deep", "two, wide"]


def test_bars_of_several_networks_stand_beside_each_other() -> None:
    rows = [{"x": x, "y": 1.0 + x} for x in range(3)]
    (axes,) = draw_bars(describe("bars"), [document("one", rows), document("two", rows)]).axes
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars]
    assert len(edges) == 6
    assert all(
        right <= next_left + 1e-9
        for (_, right), (next_left, _) in zip(sorted(edges), sorted(edges)[1:], strict=False)
    )


def test_bars_may_have_names() -> None:
    rows = [{"x": "smallest", "y": -1.0}, {"x": "largest", "y": 3.0}]
    (axes,) = draw_bars(describe("bars"), [document("one", rows)]).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["smallest", "largest"]


def test_a_matrix_has_all_its_places_and_one_scale_for_all_networks() -> None:
    figure = describe("matrix", value="v", valuelabel="weight")
    first = [{"x": x, "y": y, "v": 1.0 * x * y} for x in range(3) for y in range(2)]
    second = [{"x": "a", "y": "b", "v": 9.0}]
    assert grids_of(document("one", first), figure)[0].values == [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]
    drawn = draw_matrix(figure, [document("one", first), document("two", second)])
    limits = {image.get_clim() for axes in drawn.axes for image in axes.images}
    assert limits == {(0.0, 9.0)}
    assert drawn.axes[-1].get_ylabel() == "weight"


def test_a_matrix_has_a_panel_for_each_group() -> None:
    figure = describe("matrix", value="v", valuelabel="weight", group="block")
    rows = [{"x": x, "y": 0, "v": 1.0 * block, "block": block} for block in (1, 2) for x in range(block)]
    drawn = draw_matrix(figure, [document("one", rows)])
    assert [axes.get_title() for axes in drawn.axes[:2]] == ["one, block 1", "one, block 2"]


def test_surfaces_share_levels_and_what_is_far_above_is_cut_and_said() -> None:
    documents = [document("one", surface(1.0), SURFACE), document("two", surface(1e30), SURFACE)]
    drawn = draw_contours(SURFACE, documents)
    panels, bar = drawn.axes[:2], drawn.axes[2]
    assert [axes.get_title() for axes in panels] == ["one", "two"]
    filled = [next(each for each in axes.collections if each.get_array() is not None) for axes in panels]
    assert filled[0].norm is filled[1].norm
    assert filled[0].norm.vmin == pytest.approx(0.01)
    assert bar.get_ylabel() == "loss (nats) (all above 100 alike)"
    reliefs = [axes for axes in draw_relief(SURFACE, documents).axes if isinstance(axes, Axes3D)]
    assert {axes.get_zlim() for axes in reliefs} == {(-2.0, 2.0)}
    assert reliefs[0].get_zlabel() == "log10 of the loss (nats)"


def test_a_way_is_drawn_over_its_surface_in_its_own_order() -> None:
    plane = SURFACE | {"where": {"what": "surface"}}
    way = describe("lines", where={"what": "way"})
    rows = [{"what": "surface", **row} for row in surface(1.0)]
    rows += [{"what": "way", "x": x, "y": 0.5} for x in (0.9, -0.9, 0.0)]
    one = document("one", rows, plane, way)
    assert ways_over(plane, one)[0].places == [0.9, -0.9, 0.0]
    assert [drawing.name for drawing in draw_study([one])] == ["trial-a-title", "trial-a-title-3d"]
    assert len(draw_contours(plane, [one]).axes[0].lines) == 2  # the way, and a star at its end


def test_a_surface_along_one_direction_is_a_line_only(tmp_path: Path) -> None:
    line = describe("lines", "x", "loss", where={"y": 0.0}, title="Along a direction", log=True)
    rows = [row for row in surface(1.0) if row["y"] == 0.0]
    files = write_study([document("one", rows, line, SURFACE)], tmp_path)
    assert [file.name for file in files] == ["trial-along-a-direction.png"]


def test_images_are_written_whole_and_networks_without_rows_left_out(tmp_path: Path) -> None:
    figure = describe("lines")
    empty = document("empty", [{"x": 1, "y": None}], figure)
    full = document(
        "$full_", [{"x": 1, "y": 2.0}], figure, describe("bars", title="Nothing", where={"what": "else"})
    )
    full["figures"].reverse()
    empty["figures"] = full["figures"]
    (file,) = write_study([empty, full], tmp_path / "new")
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert image.size[0] > 600
    assert {each.stem for each in (tmp_path / "new").iterdir()} == {file.stem}


def test_the_table_has_facts_values_and_verdicts_within_80_columns() -> None:
    figure = describe("bars", xlabel="number of the block from the input")
    rows = [{"x": x, "y": x / 3} for x in range(1, 4)]
    names = ["digits-plain56-with-a-long-name", "digits-resnet56[/bold]"]
    shown = text(study_table([document(name, rows, figure, median_damage=0.125, sites=27) for name in names]))
    assert max(map(len, shown.splitlines())) <= 80
    assert "digits-resnet56[/bold]" in shown
    assert "0.125" in shown and "27" in shown
    assert "A title: size (kg)" in shown
    assert "All of digits-plain56-with-a-long-name is well." in shown
    assert shown.isascii()


def test_many_places_are_shown_in_part_and_said_so() -> None:
    figure = describe("lines")
    rows = [{"x": x / 99, "y": float(x)} for x in range(100)]
    shown = text(study_table([document("one", rows, figure)]))
    assert "at 11 of 100 places, all with --json" in shown
    assert len(shown.splitlines()) < 25


def shown_rows(*documents: Document) -> list[list[float]]:
    """Return the numbers of the table of the only figure, row by row."""
    lines = text(study_table(documents), 120).splitlines()
    start = next(index for index, line in enumerate(lines) if line.startswith("A title: "))
    words = [line.split() for line in lines[start + 1 :]]
    return [
        [float(word) for word in row]
        for row in words
        if row and all(re.fullmatch(r"[-+.\de]+", w) for w in row)
    ]


@pytest.mark.parametrize("count", [1, 2, 5, 7, 11, 12, 15, 40, 100])
def test_a_place_that_is_shown_is_one_that_was_measured(count: int) -> None:
    rows = [{"x": (step + 1) / (count + 1), "y": 100.0 + step} for step in range(count)]
    found = shown_rows(document("one", rows, describe("lines")))
    measured = {float(f"{row['x']:.3g}"): row["y"] for row in rows}
    assert len(found) == min(count, 11) == len({place for place, _ in found})
    assert all(measured[place] == value for place, value in found)
    assert found[0][1] == 100 and found[-1][1] == 99 + count


def test_few_places_are_not_said_to_be_some_of_fewer() -> None:
    rows = [{"x": step / 7, "y": 1.0} for step in range(1, 7)]
    assert " of " not in text(study_table([document("one", rows, describe("lines"))])).replace(
        "All of one", ""
    )


def test_networks_of_unequal_depth_are_shown_each_at_its_own_places() -> None:
    """As gradflow of 20 and 56 layers: a relative depth of the one is none of the other."""
    deep, shallow = ([{"x": step / last, "y": step + 1.0} for step in range(last + 1)] for last in (55, 6))
    figure = describe("lines")
    found = shown_rows(document("deep", deep, figure), document("shallow", shallow, figure))
    assert found[0] == [0.0, 1.0, 0.0, 1.0] and found[6][2:] == [1.0, 7.0] and found[7:][0] == found[7]
    assert [len(row) for row in found] == [4] * 7 + [2] * 4
    assert all(row[0] == pytest.approx((row[1] - 1) / 55, abs=5e-3) for row in found)
    shown = text(study_table([document("deep", deep, figure), document("shallow", shallow, figure)]), 120)
    assert "at 11 of 56 places, all with --json" in shown


def test_blocks_are_all_shown_with_gaps_where_a_network_has_none() -> None:
    figure = describe("bars")
    found = shown_rows(
        document("one", [{"x": x, "y": 10.0 * x} for x in (1, 2, 3)], figure),
        document("two", [{"x": x, "y": 1.0} for x in (1, 3)], figure),
    )
    assert found == [[1, 10, 1], [2, 20], [3, 30, 1]]


def test_signs_that_the_font_lacks_are_told_once_and_stay_text_in_svg(
    recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    figure = Figure()
    figure.suptitle("数字 の 零")
    drawing = Drawing("digits", "", figure)
    assert "数字 の 零" in drawing.svg()
    assert not caplog.messages
    drawing.png()
    assert caplog.messages == [
        "digits.png shows boxes for signs that matplotlib's font lacks; pages and SVG have them."
    ]
    assert not recwarn.list

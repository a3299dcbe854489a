"""What the script of a page draws: the numbers of the logs, few enough for a small page."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.palette import COLOURS, DASHES, LOOKS, dashes
from skiprun.reports.axes import spread_out
from skiprun.reports.charts import charts_json
from skiprun.reports.plots import describe
from skiprun.reports.short_names import short_names
from skiprun.results.groups import Group
from skiprun.results.history import MOMENTS, History, Moment
from skiprun.results.records import read
from skiprun.results.thinning import MAX_LINES
from tests.support.fake_runs import write_run, write_trio


def charts(groups: Any) -> dict[str, Any]:
    return json.loads(charts_json(describe(groups)))


def test_charts_hold_what_the_runs_logged(tmp_path: Path) -> None:
    runs = write_trio(tmp_path, seeds=1)
    shown = charts(compare_runs(runs).groups)
    assert [each["name"] for each in shown["networks"].values()] == ["plain20", "plain56", "resnet56"]
    named = {chart["name"]: chart for chart in shown["charts"]}
    logged = [row for row in runs[1].metrics() if "grad_norm/03.conv2" in row]
    drawn = named["gradient_flow_start"]
    (run,) = (run for run in drawn["runs"] if (run["network"], run["seed"]) == (1, 0))
    assert shown["networks"]["1"]["layers"][2] == "03.conv2"
    assert drawn["places"][run["at"]] == [[row["step"], row["epoch"] + 1] for row in logged]
    values = [moment[2] for moment in run["values"]]
    assert values == pytest.approx([row["grad_norm/03.conv2"] for row in logged], rel=1e-3)
    loss = named["training_loss"]
    assert loss["places"] == [list(range(1, 16))] and len(loss["runs"]) == 3 and not loss["geometric"]


@pytest.mark.parametrize(("runs", "kilobytes"), [(3, 170), (40, 500), (300, 650)])
def test_a_page_stays_small_however_long_and_deep_runs_are(
    runs: int, kilobytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = {float(place): 1 / (place + 3) for place in range(MAX_LINES)}
    norms = [1 / (layer + 3) for layer in range(1202)]
    names = [f"{layer:04}.layers.{layer}.conv" for layer in range(1202)]
    moments = [Moment(step, 0.0, norms) for step in range(MOMENTS)]
    history = History(long, long, long, names, moments, norms)
    monkeypatch.setattr("skiprun.reports.plots.read_history", lambda run, score: history)
    record = read(write_run(tmp_path, "plain20"))
    group = Group("plain20", (record,) * runs)
    size = len(charts_json(describe([group])))
    assert size < 1000 * kilobytes


def test_looks_differ_by_colour_or_dashes_and_neighbours_by_both() -> None:
    looks = [(COLOURS[index % len(COLOURS)], dashes(index)) for index in range(LOOKS)]
    assert len({*looks}) == LOOKS == len(COLOURS) * len(DASHES)
    assert all(one[0] != other[0] and one[1] != other[1] for one, other in pairwise(looks))


@pytest.mark.parametrize(
    ("heights", "expected"),
    [
        ([0.2, 0.5], [0.2, 0.5]),
        ([0.5, 0.5, 0.5], [0.5, 0.6, 0.7]),
        ([0.95, 0.99], [0.9, 1.0]),
        ([0.0, 0.0, 1.0], [0.0, 0.1, 1.0]),
    ],
)
def test_names_at_the_ends_of_lines_lie_apart(heights: list[float], expected: list[float]) -> None:
    assert spread_out(heights, 0.1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["digits-plain20", "digits-resnet20"], ["plain20", "resnet20"]),
        (["a-resnet20-highway", "a-resnet20-none"], ["highway", "none"]),
        (["resnet20", "resnet20-highway"], ["resnet20", "resnet20-highway"]),
        (["digits-plain20"], ["digits-plain20"]),
        ([], []),
    ],
)
def test_where_room_is_little_names_leave_out_what_all_begin_with(names: list[str], short: list[str]) -> None:
    assert short_names(names) == short

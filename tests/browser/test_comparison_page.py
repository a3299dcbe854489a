"""The page of a comparison in a browser: it answers to pointer and keyboard what the logs hold."""

from __future__ import annotations

import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.reports import write_comparison
from skiprun.reports.progress_page import write_progress
from skiprun.run import Run
from tests.browser.conftest import Open
from tests.support.fake_runs import write_run, write_trio

pytestmark = pytest.mark.browser

FIGURES = ["training_loss", "validation_error", "gradient_flow_start", "gradient_flow_median"]
FIGURES += ["gradient_ratio", "test_error"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    return write_trio(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def report(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of nine runs."""
    return write_comparison(compare_runs(runs), tmp_path_factory.mktemp("reports") / "trio")


def hover(page: Any, figure: str, line: int, point: int) -> list[str]:
    """Put the pointer on a point of a line, and return what the page says: run, place, value."""
    svg = page.locator(f"#{figure} .picture svg")
    svg.scroll_into_view_if_needed()
    left, top = points(page, figure, line)[point]
    scale, box = svg.evaluate("svg => svg.clientWidth / svg.viewBox.baseVal.width"), svg.bounding_box()
    page.mouse.move(box["x"] + left * scale, box["y"] + top * scale)
    return told(page, figure)


def points(page: Any, figure: str, line: int) -> list[list[float]]:
    """Return the points of a line, in the units of its figure."""
    text = page.locator(f"#{figure} polyline").nth(line).get_attribute("points")
    return [[float(each) for each in point.split(",")] for point in text.split()]


def told(page: Any, figure: str) -> list[str]:
    """Return what the tip of a figure says, nothing where none is shown."""
    return page.locator(f"#{figure} .tip:not([hidden]) > *").all_inner_texts()


def ticks(page: Any, figure: str) -> list[str]:
    return page.locator(f"#{figure} .picture text:not(.name):not(.end)").all_text_contents()


def lines(page: Any, figure: str) -> int:
    return page.locator(f"#{figure} polyline").count()


def logged(run: Run, tag: str) -> list[float]:
    """Return the values of a tag in a run's log."""
    return [float(row[tag] or 0) for row in run.metrics() if tag in row]


def test_every_figure_is_drawn_anew_and_has_a_name_for_screen_readers(report: Path, open_page: Open) -> None:
    page = open_page(report)
    assert [each.get_attribute("id") for each in page.locator("figure").all()] == FIGURES
    assert [lines(page, figure) for figure in FIGURES] == [3, 3, 3, 3, 3, 0]
    for svg in page.locator("figure .picture svg").all():
        assert svg.get_attribute("role") == "application" and svg.get_attribute("tabindex") == "0"
        assert "Arrow keys" in svg.get_attribute("aria-label")
    assert page.locator("#test_error circle.dot").count() == 9


def test_lines_differ_by_dashes_beside_colour_and_are_named_at_their_ends(
    report: Path, open_page: Open
) -> None:
    page = open_page(report)
    drawn = page.locator("#training_loss polyline")
    looks = drawn.evaluate_all(
        "all => all.map(line => [line.style.stroke, getComputedStyle(line).strokeDasharray])"
    )
    assert len({colour for colour, _ in looks}) == len({dashes for _, dashes in looks}) == 3
    ends = page.locator("#training_loss text.end")
    assert sorted(ends.all_text_contents()) == ["plain20", "plain56", "resnet56"]
    tops = sorted(box["y"] for box in (end.bounding_box() for end in ends.all()))
    assert all(after - before > 10 for before, after in pairwise(tops))


def test_hover_says_network_epoch_and_the_mean_of_the_logs(
    report: Path, runs: list[Run], open_page: Open
) -> None:
    losses = [logged(run, "train/epoch_loss")[4] for run in runs[1:9:3]]
    run, place, value = hover(open_page(report), "training_loss", 1, 4)
    assert (run, place) == ("plain56, mean of 3 seeds", "epoch 5")
    assert value.startswith(f"training loss (nats): {statistics.fmean(losses):.2f} ({min(losses):.2f} to ")


def test_each_run_can_be_seen_by_itself(report: Path, runs: list[Run], open_page: Open) -> None:
    page = open_page(report)
    page.get_by_label("each by itself").check()
    assert lines(page, "training_loss") == 9
    ratio = logged(runs[4], "grad/first_over_last")[-1]
    run, place, value = hover(page, "gradient_ratio", 4, -1)
    assert (run, place) == ("plain56, seed 1", "step 300")
    assert float(value.split(": ")[1]) == pytest.approx(ratio, rel=0.006)


def test_networks_and_seeds_are_chosen_for_all_figures_and_outlive_a_reload(
    report: Path, runs: list[Run], open_page: Open
) -> None:
    page = open_page(report)
    page.get_by_label("plain56", exact=True).uncheck()
    page.get_by_label("1", exact=True).uncheck()
    assert [lines(page, figure) for figure in FIGURES] == [2, 2, 2, 2, 2, 0]
    assert page.locator("#test_error circle.dot").count() == 4
    page.reload()
    losses = [logged(run, "train/epoch_loss")[-1] for run in (runs[2], runs[8])]
    run, _, value = hover(page, "training_loss", 1, -1)
    assert run == "resnet56, mean of 2 seeds" and f": {statistics.fmean(losses):.4f} (" in value
    page.get_by_label("plain56", exact=True).check()
    assert lines(page, "training_loss") == 3


def test_what_has_the_focus_has_it_again_on_a_page_loaded_anew(report: Path, open_page: Open) -> None:
    page = open_page(report)
    figure = page.locator("#gradient_ratio")
    for control in (
        page.get_by_label("plain56", exact=True),
        figure.get_by_label("logarithmic"),
        figure.locator("summary"),
        page.locator("#gradient_flow_start").get_by_role("slider"),
    ):
        control.focus()
        page.reload()
        assert control.evaluate("each => each === document.activeElement")
    page.locator(":focus").blur()
    page.reload()
    assert page.evaluate("document.activeElement === document.body")


def test_an_axis_is_logarithmic_or_linear(report: Path, open_page: Open) -> None:
    page = open_page(report)
    assert "0.01" in ticks(page, "training_loss")
    page.locator("#training_loss").get_by_label("logarithmic").uncheck()
    assert "0.5" in ticks(page, "training_loss") and "0.01" not in ticks(page, "training_loss")


def test_the_slider_goes_through_training_by_the_arrow_keys(
    report: Path, runs: list[Run], open_page: Open
) -> None:
    page = open_page(report)
    figure = page.locator("#gradient_flow_start")
    before = points(page, "gradient_flow_start", 1)
    figure.get_by_role("slider").press("ArrowRight")
    assert figure.locator("output").inner_text() == "step 20, epoch 1"
    figure.get_by_role("slider").press("End")
    assert figure.locator("output").inner_text() == "step 300, epoch 15"
    assert "at step 300, epoch 15" in figure.locator("figcaption").inner_text()
    assert points(page, "gradient_flow_start", 1) != before
    norms = [logged(run, "grad_norm/03.conv2")[-1] for run in runs[1:9:3]]
    run, place, value = hover(page, "gradient_flow_start", 1, 2)
    assert run == "plain56, mean of 3 seeds" and place == "layer 03.conv2, depth 0.0364"
    assert float(value.split(": ")[1].split()[0]) == pytest.approx(
        statistics.geometric_mean(norms), rel=0.006
    )


def test_arrow_keys_walk_through_the_values(report: Path, open_page: Open) -> None:
    page = open_page(report)
    svg = page.locator("#validation_error .picture svg")
    page.locator("#training_loss summary").focus()
    page.keyboard.press("Tab")
    assert svg.evaluate("svg => svg === document.activeElement")
    assert told(page, "validation_error")[:2] == ["plain20, mean of 3 seeds", "epoch 1"]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert told(page, "validation_error")[:2] == ["plain56, mean of 3 seeds", "epoch 2"]
    page.keyboard.press("End")
    assert told(page, "validation_error")[1] == "epoch 15"
    page.keyboard.press("Escape")
    assert told(page, "validation_error") == []


def test_a_figure_is_a_table_too(report: Path, open_page: Open) -> None:
    page = open_page(report)
    page.locator("#test_error summary").click()
    cells = page.locator("#test_error tbody tr").first.locator("td").all_inner_texts()
    assert cells[0] == "plain20, mean of 3 seeds" and cells[2].startswith("1.14 (95 % interval ")
    assert page.locator("#test_error tbody tr").count() == 12


def test_a_word_is_explained_under_the_pointer_and_by_the_keyboard(report: Path, open_page: Open) -> None:
    page = open_page(report)
    word, tip = page.locator("a.word", has_text="MACs").first, page.get_by_role("tooltip")
    word.hover()
    assert "Multiply-accumulate" in tip.inner_text()
    page.mouse.move(0, 0)
    assert tip.is_hidden()
    word.focus()
    assert tip.is_visible()
    page.keyboard.press("Enter")
    assert page.url.endswith("#word-macs") and page.locator("dt:target").inner_text() == "MACs"


def test_without_script_verdict_and_figures_stand(report: Path, open_page: Open) -> None:
    page = open_page(report, java_script_enabled=False)
    assert page.locator("figure .picture svg").count() == 6
    assert page.locator("#training_loss text", has_text="training loss (nats)").is_visible()
    assert page.get_by_text("Degradation seen").is_visible()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(("scheme", "light"), [("light", False), ("dark", True)])
def test_figures_are_dark_in_the_dark(
    script: bool, scheme: str, light: bool, report: Path, open_page: Open
) -> None:
    page = open_page(report, color_scheme=scheme, java_script_enabled=script)
    text = page.locator("#training_loss text", has_text="training loss (nats)")
    ink = text.first.evaluate("text => getComputedStyle(text).fill")
    paper = page.locator("#training_loss .picture").evaluate("card => getComputedStyle(card).backgroundColor")
    assert (brightness(ink) > 200) is light and (brightness(paper) < 60) is light


def brightness(colour: str) -> float:
    return statistics.fmean(float(each) for each in colour.strip("rgb()").split(","))


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of six networks, some with long names."""
    folder = tmp_path_factory.mktemp("six")
    names = ["plain20", "plain32", "plain56", "resnet20", "resnet56", "resnet56_connection-highway"]
    made = [
        write_run(folder / "runs", name, seed, model=name.split("_")[0], epochs=3)
        for name in names
        for seed in range(2)
    ]
    return write_comparison(compare_runs(made), folder / "out")


@pytest.mark.parametrize("width", [400, 1400])
def test_nothing_is_wider_than_the_window(width: int, six: Path, open_page: Open) -> None:
    page = open_page(six, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 1400:
        tables = page.locator(".scroll").evaluate_all(
            "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
        )
        assert tables == 0


def test_printed_tables_are_whole_nothing_is_folded_and_two_figures_stand_in_a_row(
    six: Path, open_page: Open
) -> None:
    page = open_page(six, 700)  # as wide as a page of A4 between its margins
    page.emulate_media(media="print")
    wide = page.locator("main > .scroll, main details .scroll").evaluate_all(
        "all => all.filter(each => each.scrollWidth > document.documentElement.clientWidth).length"
    )
    assert wide == 0
    assert page.get_by_text("optim.lr", exact=True).is_visible()
    assert page.locator(".choice").is_hidden() and page.locator(".tools").first.is_hidden()
    tops = [each.bounding_box()["y"] for each in page.locator("figure").all()]
    assert tops[0] == tops[1] < tops[2] == tops[3]


def test_scores_that_all_runs_share_are_drawn(tmp_path: Path, open_page: Open) -> None:
    """They differ by rounding alone: an axis as long as that has no ticks, and none would come to an end."""
    runs = [write_run(tmp_path, name, seed, test={"error": 0.7}) for name in "ab" for seed in range(3)]
    page = open_page(write_comparison(compare_runs(runs), tmp_path / "out" / "same"))
    assert page.locator("#test_error circle.dot").count() == 6 and len(ticks(page, "test_error")) >= 2


def test_the_page_of_three_runs_is_small_and_that_of_forty_too(report: Path, tmp_path: Path) -> None:
    trio = write_comparison(compare_runs(write_trio(tmp_path / "trio", seeds=1)), tmp_path / "out" / "trio")
    many = [
        write_run(tmp_path / "many", name, seed) for name in ("plain56", "resnet56") for seed in range(20)
    ]
    assert trio.stat().st_size < 300_000
    assert write_comparison(compare_runs(many), tmp_path / "out" / "many").stat().st_size < 1_000_000


def test_a_page_of_runs_that_go_on_loads_itself_anew_and_keeps_what_was_chosen(
    tmp_path: Path, open_page: Open
) -> None:
    runs = [write_run(tmp_path / "runs", name, state="running", epochs=4) for name in ("plain20", "resnet20")]
    page = open_page(write_progress(runs, 2, tmp_path / "out" / "duo", 1))
    page.get_by_label("plain20", exact=True).uncheck()
    assert lines(page, "training_loss") == 1 and page.get_by_text("0 of 2 runs are finished").is_visible()
    done = [write_run(tmp_path / "done", name, epochs=5) for name in ("plain20", "resnet20")]
    write_comparison(compare_runs(done), tmp_path / "out" / "duo")
    page.get_by_text("2 finished runs").wait_for(timeout=60_000)
    assert lines(page, "training_loss") == 1 and len(points(page, "training_loss", 0)) == 5

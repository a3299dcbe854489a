"""The diagrams of a page in a browser: a layer says its numbers, a slider goes through training."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from matplotlib import colormaps
from matplotlib.colors import to_rgb

from skiprun.claims.comparison import compare_runs
from skiprun.experiment.diagrams import network_diagrams
from skiprun.reports import write_comparison
from tests.browser.conftest import Open
from tests.support.logged_norms import layers_of, logged_run

pytestmark = pytest.mark.browser

MODELS = ("plain20", "resnet20")
LAYER = "layer2.1.conv1"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of two networks with three logged steps each: norms of 8 at first, then 0.5, then 0.1."""
    folder = tmp_path_factory.mktemp("runs")
    runs = [
        logged_run(folder, model, {path: [8.0, 0.5, 0.1] for path in layers_of(model)}) for model in MODELS
    ]
    comparison = compare_runs(runs)
    return write_comparison(comparison, folder / "comparisons" / "two", network_diagrams)


def test_a_click_says_the_numbers_of_a_layer_and_a_site(report: Path, open_page: Open) -> None:
    page = open_page(report)
    figure = page.locator(".network").nth(1)
    figure.locator(f"[data-layer='{LAYER}']").click()
    said = figure.locator("figcaption").inner_text().replace("\u00d7", "x")
    shapes = "Conv2d 32x32x3x3, output 32x4x4, 9,216 parameters"
    assert said == f"{LAYER}: {shapes}; gradient norm, median over training: 0.500"
    figure.locator("[data-site='4']").click()
    assert figure.locator("figcaption").inner_text() == "site 4, layer2.1.connection: add"
    assert figure.locator(".chosen").count() == 1


def test_arrow_keys_go_from_layer_to_layer(report: Path, open_page: Open) -> None:
    page = open_page(report)
    diagram = page.locator(".network .diagram").first
    assert "Arrow keys" in diagram.get_attribute("aria-label")
    diagram.focus()
    for key, begin in (
        ("ArrowRight", "conv1:"),
        ("ArrowRight", "layer1.0.conv1:"),
        ("End", "fc:"),
        ("Escape", "Click"),
    ):
        page.keyboard.press(key)
        assert page.locator(".network figcaption").first.inner_text().startswith(begin)


@pytest.mark.parametrize(
    ("place", "said", "norm"), [(1, "step 0", 8.0), (3, "step 20", 0.1), (0, "median", 0.5)]
)
def test_the_slider_takes_the_colours_of_all_networks_through_training(
    report: Path, open_page: Open, place: int, said: str, norm: float
) -> None:
    page = open_page(report)
    slider = page.get_by_label("step of training").last
    slider.fill("2")
    slider.fill(str(place))
    colour = to_rgb(colormaps["viridis"](math.log10(norm / 0.1) / 2))
    for bar in page.locator(f"[data-layer='{LAYER}']").all():
        assert to_rgb(bar.get_attribute("fill")) == pytest.approx(colour, abs=0.03)
    assert all(said in text for text in page.locator(".legend > text:first-child").all_text_contents())


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_diagram_is_as_wide_as_its_place_and_reads_in_light_and_dark(
    report: Path, open_page: Open, width: int, scheme: str
) -> None:
    page = open_page(report, width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in page.locator(".network .name").all():
        ink, paper = (
            name.evaluate(f"each => getComputedStyle(each{where}).{what}")
            for where, what in (("", "fill"), (".closest('svg').querySelector('.paper')", "fill"))
        )
        assert (light(ink) > light(paper)) == (scheme == "dark") and abs(light(ink) - light(paper)) > 120
        assert name.bounding_box()["height"] > 9


def light(colour: str) -> float:
    """Return the mean of red, green and blue of a CSS colour, 0 to 255."""
    numbers = [float(each) for each in colour[4:-1].split(",")]
    return sum(numbers) / 3

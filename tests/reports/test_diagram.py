"""Diagrams: every block, layer and site once, coloured by what was measured, none over another."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import torch
from matplotlib import colormaps
from matplotlib.colors import to_hex

from skiprun.claims.comparison import compare_runs
from skiprun.experiment.diagrams import by_parameters, diagram, network_diagrams, run_diagram
from skiprun.models.complexity import architecture
from skiprun.reports import write_comparison
from skiprun.reports.diagram import Scale, scale_of, svg_text
from skiprun.reports.diagram.colours import tick_text
from skiprun.reports.plot_kinds import networks_of
from skiprun.reports.plots import describe
from skiprun.reports.progress_page import write_progress
from skiprun.results.numbers import significant
from skiprun.run import Run
from skiprun.system.network_graph import NetworkGraph
from tests.support.command_line import run_here
from tests.support.fake_runs import SESSION, write_run
from tests.support.logged_norms import layers_of, logged_run

SVG = "{http://www.w3.org/2000/svg}"
SURGERY = "resnet20:connections.3=none,connections.5-6=highway"
NETWORKS = [
    *("resnet56", "densenet40_12", "unet", SURGERY, "preact20", "highway56", "unetplusplus", "resnet50"),
    *("plain20", "resnet110", "resunet", "efficientnet_b0", "vgg16", "deeplabv3_resnet50"),
]


def drawn(graph: NetworkGraph) -> Element:
    return ElementTree.fromstring(svg_text(by_parameters(graph)))


def of_class(root: Element, name: str) -> list[Element]:
    return [each for each in root.iter() if name in each.get("class", "").split()]


def box(bar: Element) -> tuple[float, ...]:
    return tuple(float(bar.get(key, "nan")) for key in ("x", "y", "width", "height"))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_block_layer_site_and_skip_is_drawn_once_and_apart(name: str) -> None:
    graph = architecture.graph(name)
    root = drawn(graph)
    assert [each.get("data-block") for each in of_class(root, "block")] == list(graph["blocks"])
    layers = of_class(root, "layer")
    assert sorted(each.get("data-layer", "") for each in layers) == sorted(
        node["path"] for node in graph["nodes"] if node["weight"]
    )
    sites = [node for node in graph["nodes"] if node["site"] is not None]
    numbers = [each.get("data-site") for each in of_class(root, "site") if each.get("data-site")]
    assert sorted(map(int, filter(None, numbers))) == list(range(len(sites)))
    joins = sum(node["kind"] == "join" for node in graph["nodes"])
    arcs = next(iter(of_class(root, "skips"))).findall(f"{SVG}path")
    assert len(arcs) == sum(len(node["shortcut"]) for node in sites) + joins
    width = float(root.get("viewBox", "").split()[2])
    for (x, y, w, h), (x2, y2, w2, h2) in itertools.combinations(map(box, layers), 2):
        assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    assert all(x > 0 and x + w < width for x, _, w, _ in map(box, layers))


def test_a_u_net_is_a_u_with_level_skips() -> None:
    graph = architecture.graph("unet")
    bars = {each.get("data-layer"): box(each) for each in of_class(drawn(graph), "layer")}
    for level in range(4):
        encoder, decoder = bars[f"encoder.{level}.conv2"], bars[f"decoder.{3 - level}.stage.conv1"]
        assert encoder[1] == decoder[1] and encoder[0] < decoder[0]
        assert encoder[1] < bars[f"encoder.{level + 1}.conv2"][1]


def test_deep_networks_wrap_into_rows_of_equal_stages() -> None:
    graph = architecture.graph("resnet110")
    rows = {box(each)[1] + box(each)[3] / 2 for each in of_class(drawn(graph), "layer")}
    assert len(rows) == 6  # two for each stage of 18 blocks
    assert float(drawn(graph).get("viewBox", "").split()[2]) < 750


@pytest.mark.parametrize(
    ("model", "connections"),
    [
        *(("resnet56", None), ("densenet40_12", None), ("unet", None)),
        ("resnet20", {"3": "none", "5-6": "highway"}),
    ],
)
def test_a_layer_has_the_colour_of_its_norm_in_the_log(
    model: str, connections: Mapping[str, str] | None, tmp_path: Path
) -> None:
    middles = {path: 0.031 * 1.05**place for place, path in enumerate(layers_of(model))}
    norms: dict[str, list[float | None]] = {path: [norm, 0.03, 9.0] for path, norm in middles.items()}
    shown = run_diagram(logged_run(tmp_path, model, norms, connections=connections))
    bars = of_class(ElementTree.fromstring(svg_text(shown)), "layer")
    low, high = shown.scale.low, shown.scale.high
    assert low == 0.02 and high >= 10 * low and {bar.get("data-layer") for bar in bars} == set(middles)
    for bar in bars:
        norm = middles[bar.get("data-layer", "")]
        share = math.log(norm / low) / math.log(high / low)
        assert bar.get("fill") == to_hex(colormaps["viridis"](share))
        assert bar.findtext(f"{SVG}title", "").endswith(f"median over training: {significant(norm)}")
    sites = {node["kind"] for node in shown.graph["nodes"] if node["site"] is not None}
    assert sites >= {*(connections or {}).values()}


def test_a_frozen_layer_and_one_without_a_gradient_have_no_colour(tmp_path: Path) -> None:
    layers = layers_of("resnet20")
    norms: dict[str, list[float | None]] = {path: [1.0] * 3 for path in layers}
    norms["conv1"], norms["fc"] = [None] * 3, [0.0] * 3
    root = ElementTree.fromstring(svg_text(run_diagram(logged_run(tmp_path, "resnet20", norms))))
    blank = {each.get("data-layer"): each for each in of_class(root, "blank")}
    assert set(blank) == {"conv1", "fc"}
    assert all(each.get("fill") is None for each in blank.values())
    assert "not measured" in blank["conv1"].findtext(f"{SVG}title", "")


def test_networks_that_are_compared_have_means_over_seeds_and_one_scale(tmp_path: Path) -> None:
    runs = [
        logged_run(tmp_path, model, {path: [9.0, norm, norm] for path in layers_of(model)}, seed)
        for model, seed, norm in (("plain20", 0, 0.1), ("plain20", 1, 0.4), ("resnet20", 0, 2.0))
    ]
    write_run(tmp_path, "unnamed", model="resnet20")
    comparison = compare_runs([*runs, Run(tmp_path / "unnamed" / "seed-0")])
    diagrams = network_diagrams(networks_of(describe(comparison.groups[:2])))
    assert {each.scale for each in diagrams.values()} == {Scale(0.1, 10.0)}
    assert diagrams["plain20"].measure.values == pytest.approx(dict.fromkeys(layers_of("plain20"), 0.2))
    assert diagrams["plain20"].graph["detail"] == "plain20, seeds\u00a00, 1"
    page = write_comparison(comparison, tmp_path / "out", lambda all_: network_diagrams(all_[:2])).read_text()
    assert page.count('<figure class="network"') == 2 and page.count("<style>") == 2
    assert page.count(f'fill="{to_hex(colormaps["viridis"](math.log10(2) / 2))}"') == 20
    assert "Not drawn here: unnamed." in page


def test_a_network_of_more_blocks_than_a_page_shows_or_that_cannot_be_built_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.experiment.diagrams.MOST_LAYERS", 27)
    deep = logged_run(tmp_path, "plain56", {path: [1.0] for path in layers_of("plain56")})
    gone = logged_run(tmp_path, "plain20", {"conv1": [1.0]})
    gone.config_file.write_text(gone.config_file.read_text().replace("plain20", "of_a_plugin"))
    assert network_diagrams(networks_of(describe(compare_runs([deep, gone]).groups))) == {}


def test_of_a_deep_network_a_bar_is_a_block_and_every_site_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skiprun.experiment.diagrams.MOST_LAYERS", 50)
    norms = {path: [0.1 if path.endswith("conv1") else 10.0] for path in layers_of("resnet56")}
    deep = logged_run(tmp_path, "resnet56", norms)
    (shown,) = network_diagrams(networks_of(describe(compare_runs([deep]).groups))).values()
    root = ElementTree.fromstring(svg_text(shown))
    bars = {bar.get("data-layer"): bar for bar in of_class(root, "layer")}
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3) for block in range(9)]
    assert list(bars) == ["conv1", *blocks, "fc"]
    assert shown.measure.values["layer2.4"] == pytest.approx(1.0)
    assert bars["layer2.4"].get("fill") == to_hex(colormaps["viridis"](shown.scale.share(1.0)))
    said = bars["layer2.4"].findtext(f"{SVG}title", "").replace("\u00d7", "x")
    assert said.startswith(
        "layer2.4: BasicBlock of 2 layers, weights: 18432, output 32x4x4, 18,432 parameters"
    )
    assert shown.graph["detail"] == "resnet56, seed\u00a00; a bar is a block"
    assert len({site.get("data-site") for site in of_class(root, "site")} - {None}) == 27
    assert "56 layers" in "".join(root.itertext())
    arcs = [path for group in of_class(root, "skips") for path in group.iter(f"{SVG}path")]
    assert len(arcs) >= 27


def test_a_network_that_goes_on_has_a_diagram_and_drawing_it_draws_no_number(tmp_path: Path) -> None:
    """The page of `compare --watch` is written beside the training, whose draws must stay what they are."""
    run = logged_run(tmp_path, "resnet20", {path: [1.0, 3.0] for path in layers_of("resnet20")})
    data = run.summary()["data"]
    run.summary_file.unlink()
    run.record_status("running", 10, "")
    run.record_environment({**SESSION, "data": data})
    before = torch.get_rng_state()
    page = write_progress([run], 1, tmp_path / "out" / "one", 5, network_diagrams).read_text()
    assert page.count('<figure class="network"') == 1 and page.count("data-site=") == 9
    assert torch.equal(torch.get_rng_state(), before)


def test_a_run_without_norms_is_coloured_by_parameters(tmp_path: Path) -> None:
    assert run_diagram(logged_run(tmp_path, "resnet20", {})).measure.name == "parameters"


def test_the_name_of_a_run_goes_before_that_of_an_architecture(tmp_path: Path) -> None:
    write_run(tmp_path, "resnet20", model="plain20")
    assert diagram("resnet20", tmp_path).graph["name"] == "plain20"
    assert diagram("resnet32", tmp_path).graph["name"] == "resnet32"


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [([0.3, 2.4], 0.2, 5.0), ([1.0, 1.1], 1.0, 10.0), ([3e-9, 0.0, None, 40.0], 2e-9, 50.0), ([], 1.0, 10.0)],
)
def test_a_scale_has_round_ends_and_a_decade_at_least(
    values: list[float | None], low: float, high: float
) -> None:
    found = scale_of(values)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.ticks[0] == found.low and found.ticks[-1] == found.high
    shares = [found.share(tick) for tick in found.ticks]
    assert all(after - before > 0.1 for before, after in itertools.pairwise(shares))


def test_numbers_of_the_legend_are_short() -> None:
    assert [tick_text(each) for each in (0.02, 1.0, 500.0, 2e4, 1e6)] == ["0.02", "1", "500", "20 k", "1 M"]


def test_names_are_escaped() -> None:
    graph = architecture.graph("resnet20")
    root = drawn({**graph, "name": "<b>&", "detail": '"><script>'})
    assert "<b>&" in [each.text for each in root.iter(f"{SVG}text")]
    assert not list(root.iter("script"))


def test_models_draw_writes_an_svg_and_says_all_that_is_in_it(tmp_path: Path) -> None:
    done = run_here("models", "draw", "resnet20:connection=highway", "--json", folder=tmp_path)
    said = json.loads(done.stdout)
    root = ElementTree.parse(tmp_path / "resnet20-connection-highway.svg").getroot()
    fills = {each.get("data-layer"): each.get("fill") for each in of_class(root, "layer")}
    assert said["file"] == "resnet20-connection-highway.svg"
    assert {node["path"]: node["colour"] for node in said["nodes"] if node["weight"]} == fills
    assert said["formulas"] == {"highway": "y = (1 - T(x)) x + T(x) f(x)"}
    again = run_here("models", "draw", "resnet20:connection=highway", folder=tmp_path)
    assert (again.returncode, "there already" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resnet20", "--output", "a.png"], "a browser prints to PDF"),
        (["resnet21"], "Did you mean"),
        (["vgg16", "--input", "3x8x8"], "do not pass"),
    ],
)
def test_models_draw_refuses_and_writes_nothing(words: list[str], said: str, tmp_path: Path) -> None:
    done = run_here("models", "draw", *words, folder=tmp_path)
    assert done.returncode == 2 and said in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_style_knows_dark_pages_and_small_screens() -> None:
    style = drawn(architecture.graph("vgg11")).findtext(f"{SVG}style", "")
    assert "prefers-color-scheme: dark" in style and re.search(r"max-width: \d+px", style)
    assert Scale(1.0, 10.0).colour(float("nan")) is None

"""The graph of a network: every layer and site once, and the skips that its paper draws."""

from __future__ import annotations

import pytest
from torch import nn

from skiprun.connections import sites
from skiprun.models import build_model
from skiprun.models.complexity import architecture
from skiprun.models.complexity.cost import layers_by_depth
from skiprun.models.complexity.graph import network_graph
from skiprun.models.complexity.meta import without_content
from skiprun.registry import MODELS
from skiprun.system.network_graph import GraphNode

FAMILIES = {entry.info.family: entry for entry in reversed(list(MODELS)) if "1202" not in entry.name}


def nodes(name: str) -> list[GraphNode]:
    return architecture.graph(name)["nodes"]


def joined(name: str) -> list[GraphNode]:
    return [node for node in nodes(name) if node["site"] is not None]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_and_site_is_a_node_that_is_fed_by_earlier_ones(family: str) -> None:
    entry = FAMILIES[family]
    with without_content():
        model = build_model(entry.name, in_channels=entry.info.input[0])
    graph = network_graph(model, entry.info.input, entry.name)
    found = [node["path"] for node in graph["nodes"]]
    assert {node["path"] for node in graph["nodes"] if node["weight"]} == set(layers_by_depth(model))
    assert {node["path"]: node["site"] for node in graph["nodes"] if node["site"] is not None} == {
        path: number for number, path in enumerate(sites(model))
    }
    assert len(found) == len({*found})
    for place, node in enumerate(graph["nodes"]):
        assert {*node["sources"], *node["shortcut"]} <= {*found[:place]}
        assert node["sources"] or place == 0


def test_a_residual_shortcut_begins_where_the_block_before_ended() -> None:
    found = joined("resnet56")
    assert len(found) == 27
    assert [node["shortcut"] for node in found] == [["conv1"], *([node["path"]] for node in found[:-1])]
    assert [node["site"] for node in found if node["projected"]] == [9, 18]  # where the shapes change


def test_a_plain_network_has_sites_without_shortcuts() -> None:
    assert [node["shortcut"] for node in joined("plain20")] == [[]] * 9


def test_surgery_is_seen_at_its_sites() -> None:
    found = joined("resnet20:connections.3=none,connections.5-6=highway")
    assert [node["kind"] for node in found] == [
        *("add", "add", "add", "none", "add", "highway", "highway", "add", "add"),
    ]
    assert [bool(node["shortcut"]) for node in found] == [True, True, True, False, *[True] * 5]


def test_a_dense_layer_is_concatenated_with_all_that_came_before_it_in_its_block() -> None:
    found = joined("densenet40_12")
    assert len(found) == 36
    assert found[1]["shortcut"] == [found[0]["path"]]
    assert found[12]["shortcut"] == ["features.transition1.conv"]


def test_long_skips_lead_from_the_encoder_to_the_decoder_of_the_same_size() -> None:
    found = joined("unet:skip_levels=1101")
    assert [node["shortcut"] for node in found] == [
        ["encoder.3.conv2"],
        [],
        ["encoder.1.conv2"],
        ["encoder.0.conv2"],
    ]


def test_nodes_of_unetplusplus_are_fed_by_equation_1() -> None:
    last = joined("unetplusplus")[-1]
    assert last["sources"] == ["nodes.0_4.up"]
    assert last["shortcut"] == [
        "encoder.0.conv2",
        *(f"nodes.0_{column}.stage.conv2" for column in (1, 2, 3)),
    ]


def test_an_addition_without_a_site_is_a_join() -> None:
    found = next(node for node in nodes("fcn_resnet50") if node["kind"] == "join")
    assert (found["path"], found["sources"]) == (
        "backbone.layer1.0",
        ["backbone.conv1", "backbone.layer1.0.conv3"],
    )


def test_the_network_is_left_as_it_was() -> None:
    model = build_model("resnet20", in_channels=1, width=4).eval()
    network_graph(model, (1, 8, 8), "resnet20")
    hooks = [each._forward_hooks or each._forward_pre_hooks for each in model.modules()]
    assert not any(hooks) and not any(each.training for each in model.modules())
    assert isinstance(model.get_submodule("conv1"), nn.Conv2d)

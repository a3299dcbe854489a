"""What the registry says of a network beside building it: the paper's year, images, published depths."""

from __future__ import annotations

import re

import pytest

from skiprun.registry import MODELS
from skiprun.system.torchvision_repair import torchvision

# Where the year of the network is not that of the paper's last publication.
OF_ANOTHER_YEAR = {"alexnet": 2012} | {
    f"vgg{depth}{norm}": 2014 for depth in (11, 13, 16, 19) for norm in ("", "_bn")
}
SMALL_NETWORKS = {
    *(f"{kind}{depth}" for kind in ("plain", "resnet") for depth in (20, 32, 44, 56, 110, 1202)),
    *(f"preact{depth}" for depth in (20, 32, 44, 56, 110, 164, 1001)),
    *("wrn16_4", "wrn16_8", "wrn22_8", "wrn28_2", "wrn28_10", "wrn40_1", "wrn40_2", "wrn40_4"),
    *("highway20", "highway32", "highway44", "highway56", "highway110", "highway_full19", "highway_full31"),
    *("densenet40_12", "densenet100_12", "densenet100_24"),
    *("densenet_bc_40_12", "densenet_bc_100_12", "densenet_bc_250_24", "densenet_bc_190_40"),
    *(f"resnext29_{width}" for width in ("1x64d", "2x64d", "4x64d", "8x64d", "16x64d", "32x4d")),
}


@pytest.mark.parametrize("name", MODELS.names())
def test_a_network_is_of_the_year_of_its_paper(name: str) -> None:
    info = MODELS[name].info
    (year,) = map(int, re.findall(r"\b\d{4}\b", info.paper or ""))
    assert info.year == OF_ANOTHER_YEAR.get(name, year)


@pytest.mark.parametrize("name", MODELS.names())
def test_a_network_is_made_for_square_colour_images_of_its_weights(name: str) -> None:
    channels, height, width = MODELS[name].info.input
    assert channels == 3 and height == width
    if name in torchvision.models.list_models(torchvision.models):
        sizes = [each.transforms().crop_size[0] for each in torchvision.models.get_model_weights(name)]
        assert height in sizes
    else:
        assert height in (32, 224, 256)


def test_the_networks_for_small_images_are_those_of_the_papers() -> None:
    small = {name for name in MODELS.names() if MODELS[name].info.input == (3, 32, 32)}
    assert {name for name in small if re.search(r"\d", name)} == SMALL_NETWORKS


def test_depth_without_a_number_in_the_name_is_the_one_that_is_built_unasked() -> None:
    assert MODELS["wrn_cifar"].info.layers == MODELS["wrn16_4"].info.layers == 16
    assert MODELS["wrn28_10"].info.layers == 28


@pytest.mark.parametrize("name", [name for name in MODELS.names() if re.match(r"(plain|resnet|vgg)\d", name)])
def test_a_summary_says_what_the_name_does(name: str) -> None:
    said, depth = MODELS[name].summary, re.findall(r"\d+", name)[0]
    assert f"{depth} layers" in said
    assert ("batch normalization" in said) == name.endswith("_bn")
    assert ("plain" in said.lower()) == name.startswith("plain")

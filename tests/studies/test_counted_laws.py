"""What is counted of networks: numbers that papers print, and formulas against modules and enumerations."""

from __future__ import annotations

import math
from itertools import product

import pytest
from torch import nn

from skiprun.errors import UnknownName
from skiprun.models import cost
from skiprun.models.families.mobilenet_v1 import Separable
from skiprun.models.layers.conv import conv3x3
from skiprun.studies.theory.parameters import parameters
from skiprun.studies.theory.path_lengths import path_lengths
from skiprun.studies.theory.separable_convolutions import separable_convolutions


@pytest.mark.parametrize(
    ("network", "millions"),
    [
        ("resnet20", "0.27"),
        ("resnet32", "0.46"),
        ("resnet44", "0.66"),
        ("resnet56", "0.85"),
        ("resnet110", "1.7"),
        ("densenet40_12", "1.0"),
        ("densenet100_12", "7.0"),
        ("densenet100_24", "27.2"),
        ("densenet_bc_100_12", "0.8"),
        ("densenet_bc_250_24", "15.3"),
        ("densenet_bc_190_40", "25.6"),
    ],
)
def test_parameters_are_those_of_the_papers_tables(network: str, millions: str) -> None:
    (row,) = parameters(networks=(network,)).rows
    assert f"{row['millions']:.{len(millions.partition('.')[2])}f}" == millions


def test_options_of_a_network_are_counted() -> None:
    """Option C joins 9 blocks by a convolution and a batch norm, 3 of them in each stage."""
    plain, residual, projected = parameters(networks=("plain20", "resnet20", "resnet20:shortcut=C")).rows
    stages = ((16, 16, 3), (16, 32, 1), (32, 32, 2), (32, 64, 1), (64, 64, 2))
    added = sum(count * (before * after + 2 * after) for before, after, count in stages)
    assert residual["parameters"] == plain["parameters"] == projected["parameters"] - added
    assert plain["layers"] == residual["layers"] == projected["layers"] == 20


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(UnknownName, match="resnet20"):
        parameters(networks=("resnet2o",))


def test_mobilenet_takes_the_multiply_adds_of_table_4() -> None:
    facts = separable_convolutions().facts
    assert round(facts["standard_macs"] / 1e6) == 4866
    assert facts["macs"] / 1e6 == pytest.approx(569, abs=2), "a head of 10 classes, in the place of 1,000"
    assert 8 < facts["factor"] < 9


def test_each_pair_takes_the_share_of_the_equation_and_of_modules_that_are_built() -> None:
    rows = separable_convolutions().rows
    assert [row["share"] for row in rows] == pytest.approx([1 / row["channels"] + 1 / 9 for row in rows])
    pair = Separable(32, 64, 1, nn.BatchNorm2d, nn.ReLU)
    standard, size = conv3x3(32, 64), (32, 14, 14)
    assert rows[0]["share"] == pytest.approx(cost(pair, size).macs / cost(standard, size).macs)


def test_a_network_of_standard_convolutions_saves_nothing() -> None:
    found = separable_convolutions(network="resnet20")
    assert found.rows == [] and found.facts["factor"] == 1


def test_paths_are_as_many_as_an_enumeration_finds() -> None:
    lengths = [sum(way) for way in product((0, 1), repeat=7)]
    counted = [row["paths"] for row in path_lengths(blocks=7).rows]
    assert counted == [lengths.count(length) for length in range(8)]


def test_of_54_blocks_more_than_95_percent_of_the_paths_pass_19_to_35() -> None:
    found = path_lengths(blocks=54)
    assert found.facts["paths"] == 2**54 and found.facts["mean_length"] == 27
    assert math.fsum(row["share"] for row in found.rows if 19 <= row["length"] <= 35) > 0.95
    assert found.facts["distance_from_binomial"] < 1e-12


def test_a_plain_network_has_one_path_through_all_blocks() -> None:
    found = path_lengths(blocks=9, connection="none")
    assert [row["paths"] for row in found.rows] == [0] * 9 + [1]
    assert found.facts["distance_from_binomial"] == pytest.approx(1 - 2**-9)

"""The options of every network and connection have a type, a default that may be given, and a meaning."""

from __future__ import annotations

from typing import Any

import pytest

from skiprun.config import ModelConfig
from skiprun.models.option_rows import OptionRow, connection_options, network_options
from skiprun.models.options import convert_options
from skiprun.registry import CONNECTIONS, MODELS


def rows_of(name: str, **given: Any) -> dict[str, OptionRow]:
    """Return the options of a network by key."""
    return {row["key"]: row for row in network_options(ModelConfig(name=name, **given))}


def assert_complete(rows: list[OptionRow]) -> None:
    """Check that a person is told all of each option."""
    assert [row["key"] for row in rows if len(row["meaning"].split()) < 2] == [], "say it below Options:"
    assert all(row["type"] and not row["meaning"].endswith(".") for row in rows)


@pytest.mark.parametrize("name", CONNECTIONS.names())
def test_every_option_of_a_connection_has_a_meaning(name: str) -> None:
    rows = connection_options(CONNECTIONS[name].target)
    assert_complete(rows)
    given = {row["key"].removeprefix("connection_options."): row["default"] for row in rows}
    assert convert_options(name, CONNECTIONS[name].target, given) == given


@pytest.mark.parametrize("name", MODELS.names())
def test_every_option_of_a_network_has_a_meaning(name: str) -> None:
    rows, entry = rows_of(name), MODELS[name]
    assert_complete(list(rows.values()))
    own = {key: row["default"] for key, row in rows.items() if not key.startswith("connection_options.")}
    given = {key.removeprefix("options."): value for key, value in own.items() if value is not None}
    assert set(convert_options(name, entry.target, given, entry.info.fixed)) == set(given)
    ModelConfig.model_validate(
        {"name": name} | {key: own[key] for key in own if not key.startswith("options.")}
    )


def test_what_a_name_decides_is_no_option() -> None:
    assert "depth" not in rows_of("resnet20") and rows_of("resnet_cifar")["depth"]["default"] == 20
    assert "options.channels" not in rows_of("vgg11")
    assert "options.bc" not in rows_of("densenet40_12") and "options.bc" in rows_of("densenet_cifar")


def test_an_option_stands_where_a_config_says_it() -> None:
    rows = rows_of("unet")
    assert rows["width"] == {
        "key": "width",
        "type": "number",
        "default": 64,
        "meaning": "channels of the first stage; others double them, each rounded: 15.5 gives 16, 31, 62",
    }
    assert rows["norm"]["default"] == "batch" and rows["norm"]["type"] == "one of batch, none, group, layer"
    assert rows["options.one_logit"]["meaning"].startswith("whether two classes share one logit")
    assert rows_of("efficientnet_b0")["norm"]["default"] is None


def test_the_options_of_the_connection_are_those_of_the_one_that_is_chosen() -> None:
    assert rows_of("highway20")["connection_options.kernel"]["default"] == 1
    assert rows_of("highway_full19")["connection_options.kernel"]["default"] == 3
    assert "connection_options.bias" in rows_of("resnet20", connection="highway")
    assert not any(key.startswith("connection_options") for key in rows_of("resnet20"))


def test_an_option_of_a_connection_is_not_explained_by_a_key_of_the_same_name() -> None:
    (row,) = connection_options(CONNECTIONS["rezero"].target)
    assert row["meaning"] == "the factor at the start"

"""The options of every network and connection have a type, a default that may be given, and a meaning."""

from __future__ import annotations

from typing import Any

from skiprun.config import ModelConfig
from skiprun.models.option_rows import OptionRow, connection_options, network_options
from skiprun.registry import CONNECTIONS


def rows_of(name: str, **given: Any) -> dict[str, OptionRow]:
    """Return the options of a network by key."""
    return {row["key"]: row for row in network_options(ModelConfig(name=name, **given))}


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

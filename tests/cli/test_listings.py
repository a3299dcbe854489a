"""The listing commands show the options of one connection and of one network."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.errors import UnknownName


def shown(*arguments: str) -> str:
    """Return what a command prints on stdout."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0
    return result.stdout


def test_a_connection_is_shown_with_its_options() -> None:
    text = shown("connections", "highway")
    assert "Srivastava et al. 2015" in text and "y = (1 - T(x)) x + T(x) f(x)" in text
    assert "connection_options.bias" in text and "-2.0" in text and "of the gate at the start" in text


def test_a_connection_without_options_says_so() -> None:
    assert "It has no options." in shown("connections", "add")


def test_json_holds_the_options() -> None:
    rows = {row["name"]: row for row in json.loads(shown("connections", "--json"))}
    assert rows["add"]["options"] == []
    assert json.loads(shown("connections", "rezero", "--json")) == rows["rezero"]
    document = json.loads(shown("models", "show", "resnet20:connection=rezero", "--json"))
    assert {"blocks", "options"} == document.keys() and rows["rezero"]["options"][0] in document["options"]


def test_a_network_is_shown_with_its_options() -> None:
    text = shown("models", "show", "mobilenet_v1", "--input", "3x32x32")
    assert "options.alpha" in text and "factor on all widths" in text


def test_an_unknown_connection_is_refused_with_the_nearest() -> None:
    result = CliRunner().invoke(app, ["connections", "higway"])
    assert isinstance(result.exception, UnknownName) and "Did you mean 'highway'?" in str(result.exception)

"""`skiprun config`: tables by section, one key with all that is said of it, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from skiprun.cli import config, tables
from skiprun.cli.app import app
from skiprun.display.console import PlainConsole
from tests.support import ROOT
from tests.support.command_line import run_here


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["config", *arguments])
    assert result.exit_code == 0
    return result.stdout


def test_a_section_is_a_table_of_its_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (tables, config):
        monkeypatch.setattr(module, "results", PlainConsole(width=80))
    lines = shown("optim").splitlines()
    assert lines[0] == "optim: how a gradient becomes a step"
    assert lines[1].split() == ["key", "type", "default", "meaning", "example"]
    assert any(
        line.split() == ["lr", "number", ">", "0", "0.1", "peak", "learning", "rate", "0.1"] for line in lines
    )


def test_one_key_says_what_it_decides() -> None:
    assert "directory in runs/" in shown("name") and "only what is written down" in shown("name")
    assert "clip_norm: 5.0" in shown("optim.clip_norm")


def test_json_has_every_key() -> None:
    rows = {row["key"]: row for row in json.loads(shown("--json"))}
    assert rows["optim.lr"] == {
        "key": "optim.lr",
        "type": "number > 0",
        "required": False,
        "default": 0.1,
        "meaning": "peak learning rate",
        "example": 0.1,
        "decides": "what is learned, and from what",
    }
    assert rows["optim"]["type"] == "section" and "data.augment.crop" in rows


def test_a_wrong_section_is_an_input_error() -> None:
    result = CliRunner().invoke(app, ["config", "optimm"])
    assert result.exception is not None and "Did you mean 'optim'?" in str(result.exception)


def test_the_schema_knows_the_names_of_a_file_that_is_imported(tmp_path: Path) -> None:
    plugin = str(ROOT / "examples" / "plugin" / "halved.py")
    shown = run_here("config", "--schema", "--import", plugin, folder=tmp_path)
    assert "halved" in json.loads(shown.stdout)["$defs"]["ConnectionName"]["enum"]

"""`_base_`: a config over others, as it would be if it were written out."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiprun.config_file import load_config
from skiprun.errors import ConfigError
from tests.support import ROOT
from tests.support.command_line import run_here

BASE = """\
name: base
model: {name: resnet20, width: 8}
data: {name: digits, batch_size: 32, augment: {crop: 1}}
schedule: {epochs: 3}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def test_keys_of_the_base_hold_where_the_file_is_silent(folder: Path) -> None:
    (folder / "own.yaml").write_text(
        "_base_: base.yaml\nmodel: {connection: rezero}\ndata: {batch_size: 64}\n"
    )
    (folder / "whole.yaml").write_text(
        "name: own\nmodel: {name: resnet20, width: 8, connection: rezero}\n"
        "data: {name: digits, batch_size: 64, augment: {crop: 1}}\nschedule: {epochs: 3}\n"
    )
    assert load_config(folder / "own.yaml").to_dict() == load_config(folder / "whole.yaml").to_dict()


def test_a_later_base_is_over_an_earlier_one_and_bases_have_bases(folder: Path) -> None:
    (folder / "wide.yaml").write_text("_base_: base.yaml\nmodel: {width: 32}\n")
    (folder / "long.yaml").write_text("schedule: {epochs: 90}\n")
    (folder / "own.yaml").write_text("_base_: [wide.yaml, long.yaml]\n")
    config = load_config(folder / "own.yaml")
    assert (config.name, config.model.width, config.schedule.epochs) == ("own", 32, 90)


def test_a_packaged_config_is_a_base(folder: Path) -> None:
    (folder / "own.yaml").write_text("_base_: smoke.yaml\nseed: 3\n")
    config = load_config(folder / "own.yaml")
    smoke = load_config(ROOT / "configs" / "smoke.yaml").replace(name="own", seed=3)
    assert config.to_dict() == smoke.to_dict()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("_base_: own.yaml\n", "found 'own.yaml', which is built on this file itself"),
        ("_base_: loop.yaml\n", "found 'own.yaml', which is built on this file itself"),
        ("_base_: bse.yaml\n", "bse.yaml. Did you mean 'base.yaml'?"),
        ("_base_: 3\n", "found 3; a file, or a list of files, is needed"),
        ("_base_: wrong.yaml\n", "wrong.yaml:1:9 model.widht: unknown key."),
    ],
)
def test_what_is_wrong_is_said_with_the_file_in_which_it_stands(folder: Path, text: str, said: str) -> None:
    (folder / "own.yaml").write_text(text)
    (folder / "loop.yaml").write_text("_base_: own.yaml\n")
    (folder / "wrong.yaml").write_text("model: {widht: 8}\n_base_: base.yaml\n")
    with pytest.raises(ConfigError, match=r"\.yaml:\d+:\d+") as caught:
        load_config(folder / "own.yaml")
    assert said in str(caught.value)


def test_an_architecture_is_trained_as_compare_trains_it(tmp_path: Path) -> None:
    short = ["--set", "schedule.epochs=0.1", "--set", "model.width=4", "--set", "schedule.warmup=0"]
    done = run_here("train", "resnet20:connection=rezero", *short, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs/digits-resnet20-connection-rezero/seed-0/summary.json").exists()
    for wrong, said in {"resnet2O": "Did you mean 'resnet20'?", "own.yaml": "own.yaml"}.items():
        refused = run_here("train", wrong, folder=tmp_path)
        assert refused.returncode == 2 and said in refused.stderr

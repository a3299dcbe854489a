"""The catalog of architectures: rows, cache, and a newcomer's file that appears in it."""

import json
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner, Result

from skiprun.cli.app import app
from skiprun.models import build_model
from skiprun.models.complexity import architecture, catalog, catalog_cache
from skiprun.models.complexity.saving import stage_saving, standard_saving
from skiprun.models.complexity.table import block_table
from skiprun.registry import MODELS
from tests.models.test_contract import MEMBERS
from tests.support import ROOT


def test_a_row_says_what_the_network_is() -> None:
    (row,) = catalog.describe_models("resnet20")
    assert row["parameters"] == 269_722 and row["macs"] == 40_551_040 and row["layers"] == 20
    assert (
        row["connection"] == "add" and "highway" in row["connections"] and "concat" not in row["connections"]
    )
    assert (
        row["sites"] == 9 and row["input"] == [3, 32, 32] and row["year"] == 2015 and row["problem"] is None
    )
    assert row["family"] == "resnet_cifar" and row["summary"].startswith("Residual network of 20 layers")


def test_wild_cards_choose_in_the_registry_order() -> None:
    assert [row["name"] for row in catalog.describe_models("*sn?t5*")] == MODELS.names("*sn?t5*")
    assert catalog.describe_models("nothing*") == []


def test_another_input_is_counted_and_kept_beside_the_own() -> None:
    small = catalog.describe_models("resnet20", (1, 8, 8))[0]
    assert small["macs"] < 40_551_040 / 15 and small["parameters"] == 269_722 - 2 * 16 * 9
    assert catalog.describe_models("resnet20")[0]["macs"] == 40_551_040


def test_images_that_are_too_small_are_said_and_not_counted() -> None:
    row = catalog.describe_models("vgg11", (3, 8, 8))[0]
    assert row["macs"] is None and row["parameters"] == 128_807_306
    assert "Images of 3x8x8 do not pass through this network" in row["problem"]


def test_the_cache_answers_without_building(monkeypatch: pytest.MonkeyPatch) -> None:
    first = catalog.describe_models("plain2?")
    monkeypatch.setattr(catalog, "describe_model", lambda *_: pytest.fail("was built again"))
    assert catalog.describe_models("plain2?") == first


def test_a_damaged_cache_is_made_again() -> None:
    first = catalog.describe_models("plain20")
    for damage in ("", "[]", "{", '{"names": []}', '{"names": 5, "rows": {}}', "[" * 100_000):
        catalog_cache.cache_file().write_text(damage)
        assert catalog.describe_models("plain20") == first
    assert json.loads(catalog_cache.cache_file().read_text())["names"] == MODELS.names()


def test_a_flipped_bit_of_the_cache_is_found() -> None:
    first = catalog.describe_models("plain20")
    chance = random.Random(5)
    for _ in range(20):
        content = bytearray(catalog_cache.cache_file().read_bytes())
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        catalog_cache.cache_file().write_bytes(content)
        assert catalog.describe_models("plain20") == first


def test_a_cache_that_cannot_be_written_does_not_stop_the_listing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("SKIPRUN_DATA", str(file / "below"))
    assert catalog.describe_models("plain20")[0]["parameters"] == 269_722


def test_other_sources_have_another_cache_and_the_old_one_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog.describe_models("plain20")
    old = catalog_cache.cache_file()
    monkeypatch.setattr(catalog_cache, "WINGS", ("skiprun.models.families",))
    assert catalog_cache.cache_file() != old
    catalog.describe_models("plain20")
    assert catalog_cache.cache_file().exists() and not old.exists()


def test_a_filled_cache_is_read_without_torch() -> None:
    catalog.describe_models("plain20")
    program = "import sys; from skiprun.models.complexity import catalog; "
    program += "print(len(catalog.describe_models('plain20')), 'torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "1 False\n"
    )


NEW_CONNECTION = '''
"""Twice the shortcut, y = 2 x + f(x)."""
from skiprun.connections.base import Connection
from skiprun.registry import CONNECTIONS


@CONNECTIONS.register("twice", formula="y = 2 x + f(x)", paper="none")
class Twice(Connection):
    """Shortcut that counts twice."""

    def forward(self, x, fx):
        return 2 * x + fx
'''
NEW_FAMILY = '''
"""One block."""
from torch import nn
from skiprun.models.layers.block import BasicBlock, connection_maker
from skiprun.registry import MODELS


@MODELS.register(
    "oneblock", family="oneblock", connection="twice", input=(3, 16, 16), year=2026, paper="none",
    summary="One block",
)
def oneblock(num_classes, in_channels, connection, width: int = 8):
    block = BasicBlock(in_channels, width, make_connection=connection_maker(connection, 1))
    return nn.Sequential(block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, num_classes))
'''
EXPERIMENT = """
model: {name: oneblock, connections: {0: add}, options: {width: 16}}
data: {name: digits, batch_size: 64}
optim: {lr: 0.01}
schedule: {steps: 1}
compute: {device: cpu}
log: {tensorboard: false}
"""
PROGRAM = """
import json, sys
from pathlib import Path
import skiprun.connections, skiprun.models.families

folder = Path(sys.argv[1])
skiprun.connections.__path__.append(str(folder / "connections"))
skiprun.models.families.__path__.append(str(folder / "families"))
from typer.testing import CliRunner
from skiprun.cli.app import app

def shown(*words: str):
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.stdout

assert any(row["name"] == "twice" and row["formula"] for row in json.loads(shown("connections", "--json")))
assert "2 x + f(x)" in shown("connections")
assert "oneblock" in shown("models", "oneblock") and "twice" in shown("models", "oneblock")
(row,) = json.loads(shown("models", "oneblock", "--json"))
assert row["parameters"] == 954 and row["connection"] == "twice" and row["sites"] == 1, row
assert "twice" in json.loads(shown("models", "resnet20", "--json"))[0]["connections"]
for number, other in enumerate(["model.name=oneblock", "model={name: resnet20, connection: twice}"]):
    shown("train", str(folder / "one.yaml"), "--runs", str(folder), "--name", f"run{number}", "--set", other)
import pytest
sys.exit(pytest.main(["-v", "-p", "no:cacheprovider", "-k", "oneblock or twice", *sys.argv[2:]]))
"""


@pytest.mark.slow
def test_a_new_file_appears_in_listing_config_and_contract_tests(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for wing, text in (("connections", NEW_CONNECTION), ("families", NEW_FAMILY)):
        (tmp_path / wing).mkdir()
        (tmp_path / wing / "new.py").write_text(textwrap.dedent(text))
    (tmp_path / "one.yaml").write_text(EXPERIMENT)
    tests = [
        str(ROOT / "tests" / name) for name in ("models/test_contract.py", "experiment/test_contracts.py")
    ]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), *tests], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # The contract of the connection, of the family, of grey images, and of every pair of the two with the
    # others.
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 20, done.stdout


@pytest.mark.parametrize(
    "name", [*MEMBERS.values(), "vgg11", "resnet50", "unet", "resunet", "unetplusplus", "fcn_resnet50"]
)
def test_the_rows_of_a_block_table_add_up_to_the_network(name: str) -> None:
    (row,) = catalog.describe_models(name)
    with torch.device("meta"):
        rows = block_table(build_model(name), row["input"])
    assert sum(each["parameters"] for each in rows) == row["parameters"]
    assert sum(each["macs"] for each in rows) == row["macs"]
    assert sorted(number for each in rows for number in each["sites"]) == list(range(row["sites"]))
    assert rows[0]["stage"] == "stem" and rows[-1]["stage"] == "head"


def test_a_block_table_reads_like_the_paper() -> None:
    with torch.device("meta"):
        rows = block_table(build_model("resnet20", connections={"3": "none"}), (3, 32, 32))
    block = next(row for row in rows if row["block"] == "layer2.0")
    assert block == {
        "stage": "stage2",
        "block": "layer2.0",
        "kind": "BasicBlock",
        "input": [16, 32, 32],
        "output": [32, 16, 16],
        "parameters": 13_952,
        "macs": 3_538_944,
        "sites": [3],
        "connection": "none",
    }


def test_a_block_table_leaves_the_network_as_it_was() -> None:
    model = build_model("resnet20").eval()
    block_table(model, (3, 32, 32))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert not any(module.training for module in model.modules())


def test_mobilenet_saves_what_its_paper_says_against_standard_convolutions() -> None:
    # Howard et al. 2017, table 4: 569 against 4866 million multiply-adds, 4.2 against 29.3 million
    # parameters.
    with torch.device("meta"):
        rows, total = standard_saving(build_model("mobilenet_v1", 1000), (3, 224, 224))
    assert len(rows) == 13
    for row in rows:
        assert row["factor"] == pytest.approx(1 / (1 / row["channels"][1] + 1 / 9))
    assert total["macs"] == 568_740_352 and total["standard_macs"] / 1e6 == pytest.approx(4866, abs=2)
    assert total["standard_parameters"] / 1e6 == pytest.approx(29.3, abs=0.05)


@pytest.mark.parametrize(("channels", "pairs"), [(1, 0), (2, 1), (8, 1)])
def test_a_convolution_is_depthwise_if_each_of_several_channels_has_its_own(
    channels: int, pairs: int
) -> None:
    """One channel has nothing to be separate from; n channels to 5 cost 3 x 3 x n + 5 n instead of 45 n."""
    model = nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, 5, 1, bias=False),
    )
    rows, _ = standard_saving(model, (channels, 4, 4))
    assert [(row["parameters"], row["standard_parameters"]) for row in rows] == (
        [(9 * channels + 5 * channels, 45 * channels)] * pairs
    )


def test_a_network_without_separable_convolutions_saves_nothing() -> None:
    with torch.device("meta"):
        rows, total = standard_saving(build_model("resnext29_32x4d"), (3, 32, 32))
    assert rows == [] and total["factor"] == 1


def test_two_networks_are_compared_stage_by_stage() -> None:
    with torch.device("meta"):
        rows, total = stage_saving(build_model("resnet20"), build_model("resnet20", width=32), (3, 32, 32))
    assert [row["stage"] for row in rows] == ["stem", "stage1", "stage2", "stage3", "head"]
    assert [row["factor"] for row in rows] == [2, 4, 4, 4, 2]
    assert (total["stage"], total["macs"], total["parameters"]) == ("all", 40_551_040, 269_722)
    assert total["factor"] == pytest.approx(sum(row["other_macs"] or 0 for row in rows) / 40_551_040)


def test_a_stage_that_only_one_network_has_stands_alone() -> None:
    (*_, last, head), total = architecture.saving("mobilenet_v1", "resnet50")
    assert last["stage"] == "stage5" and last["other_macs"] is last["factor"] is None and last["macs"] > 0
    assert head["stage"] == "head" and head["factor"] == pytest.approx(2)
    assert total["other_parameters"] == 23_528_522 and total["factor"] == pytest.approx(
        4087 / 567.7, rel=0.001
    )


def shown(arguments: list[str], monkeypatch: pytest.MonkeyPatch, columns: int = 100) -> Result:
    monkeypatch.setattr("skiprun.cli.terminal.results.width", columns)
    return CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("pattern", ["*mobilenet*", pytest.param("*", marks=pytest.mark.slow)])
def test_the_listing_fits_a_hundred_columns_with_nothing_cut(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = shown(["models", pattern], monkeypatch).stdout
    assert max(map(len, listed.splitlines())) <= 100 and "…" not in listed
    assert all(f"\n{name} " in listed for name in MODELS.names(pattern))
    for words in (
        "2,236,682",
        "299.5 M",
        "Howard et al. 2017, table 1",
        "add, constant_scaling",
        "no sites",
        "memory",
    ):
        assert words in listed


def test_the_listing_as_json_has_every_fact_and_the_memory_of_a_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (row,) = json.loads(shown(["models", "resnet56", "--batch", "64", "--json"], monkeypatch).stdout)
    facts = {
        "name",
        "family",
        "parameters",
        "macs",
        "layers",
        "connections",
        "year",
        "paper",
        "summary",
        "input",
    }
    assert facts <= set(row) and row["batch"] == 64 and row["batch_bytes"] == 64 * row["activation_bytes"] > 0


def test_a_block_table_fits_a_hundred_columns_with_nothing_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = shown(["models", "show", "densenet121"], monkeypatch).stdout
    assert max(map(len, listed.splitlines())) <= 100 and "…" not in listed and "57: concat" in listed
    assert "input" not in listed.splitlines()[0]
    assert "input" in shown(["models", "show", "resnet20"], monkeypatch, 200).stdout.splitlines()[0]


def test_a_pattern_that_matches_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    done = shown(["models", "resnet5?x"], monkeypatch)
    assert done.exit_code != 0 and "No architecture matches 'resnet5?x'" in str(done.exception)


def test_cost_takes_standard_convolutions_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    standard = json.loads(shown(["models", "cost", "mobilenet_v1", "--json"], monkeypatch).stdout)
    assert (
        standard["against"] == "standard" and len(standard["rows"]) == 13 and standard["total"]["factor"] > 8
    )
    other = json.loads(
        shown(["models", "cost", "resnet20", "--against", "plain20", "--json"], monkeypatch).stdout
    )
    assert other["total"]["factor"] == 1 and other["rows"][0]["stage"] == "stem"
    refused = shown(["models", "cost", "resnet20"], monkeypatch)
    assert "resnet20 has no depthwise separable convolutions" in str(refused.exception)
    table = shown(["models", "cost", "efficientnet_b0"], monkeypatch).stdout
    assert max(map(len, table.splitlines())) <= 100

"""Networks are compared at one size: the width of all but the first is scaled, or it is said why not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun.cli.app import app
from skiprun.config import ModelConfig
from skiprun.errors import ConfigError, InputError
from skiprun.experiment import ComparisonRequest, compare, plan_comparison
from skiprun.experiment.match_sizes import match_sizes
from skiprun.models import Cost, build_from_config, cost
from skiprun.models.complexity.meta import without_content
from skiprun.registry import MODELS
from skiprun.results.size_match import SizeKind, SizeMatch, is_within
from tests.support.fake_runs import write_run
from tests.support.told_training import Scores, Training

HIGHWAY = "resnet20:connection=highway"
# Of one channel and 10 classes, as digits have them; 269,722 of three channels (He et al. 2015: 0.27 M).
RESNET20 = 269_434
CHECKED = ["plain_cifar", "preact20", "highway_full19", "wrn_cifar", "wrn16_4", "densenet40_12", "resnet18"]
CHECKED += ["densenet_cifar", "mobilenet_v1"]
NETWORKS = [entry.name for entry in MODELS if entry.info.task == "classification"]
NETWORKS.remove("resnet20")
# They round a fraction of the width at each stage, so that they reach any size near their own.
FINE = [f"{kind}{depth}" for kind in ("plain", "resnet", "preact", "highway") for depth in (20, 32, 44, 56)]
FINE += ["plain_cifar", "highway_full19", "wrn_cifar", "mobilenet_v1"]


def counted(model: ModelConfig) -> Cost:
    """Count a network for digits."""
    with without_content():
        return cost(build_from_config(model, 10, 1), (1, 8, 8))


def match(kind: SizeKind, *names: str, runs: Path, **options: Any) -> SizeMatch:
    return match_sizes(kind, plan_comparison(ComparisonRequest(names, runs=runs, **options)), runs)


def refused(kind: SizeKind, *names: str, runs: Path, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        match(kind, *names, runs=runs, **options)
    return str(caught.value)


def write_yaml(path: Path, **model: object) -> str:
    path.write_text(
        f"model: {json.dumps(model)}\ndata: {{name: digits, batch_size: 64}}\nschedule: {{steps: 2}}\n"
    )
    return str(path)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in CHECKED else pytest.mark.slow) for name in NETWORKS]
)
def test_every_network_is_as_large_as_the_first_or_is_refused_in_words(name: str, tmp_path: Path) -> None:
    try:
        matched = match("params", "resnet20", name, runs=tmp_path)
    except InputError as error:
        why = r"(no width that could be scaled|comes no nearer than this: [a-z.]+=[\d.]+ has [\d,]+ \(.*%\))"
        assert re.search(rf"\n  {name} has [\d,]+ \([-+][\d.]+ %\), and {why}", str(error)), str(error)
        assert name not in FINE and "name another first" in str(error)
    else:
        (item,) = plan_comparison(ComparisonRequest([name], runs=tmp_path), widths=matched.widths)
        assert item.config and is_within(counted(item.config.model).parameters, RESNET20)


@pytest.mark.parametrize("kind", ["params", "macs"])
def test_a_gate_that_adds_parameters_is_paid_with_width(
    kind: SizeKind, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    matched = match(kind, "resnet20", HIGHWAY, "plain20", runs=tmp_path)
    (change,) = matched.changes  # plain20 is as large as it is
    assert (change.name, change.key, change.old) == (HIGHWAY, "width", 16)
    sizes = {}
    for width in (eighths / 8 for eighths in range(8 * 15, 8 * 16 + 1)):
        found = counted(ModelConfig(name="resnet20", connection="highway", width=width))
        sizes[width] = found.parameters if kind == "params" else found.macs
    assert sizes[15] < matched.size < sizes[16]
    assert (change.before, change.after) == (sizes[16], sizes[change.new])
    assert min(abs(size - matched.size) for size in sizes.values()) == abs(change.after - matched.size)
    assert is_within(change.after, matched.size) and not is_within(change.before, matched.size)
    (said,) = matched.sentences
    assert said in caplog.messages and f"{change.after:,}" in said and f"{change.before:,} with 16." in said


def test_another_width_is_another_run_of_the_name_that_a_person_would_type(tmp_path: Path) -> None:
    matched = match("params", "resnet20", HIGHWAY, runs=tmp_path)
    new = matched.changes[0].new
    standard, scaled = (
        plan_comparison(ComparisonRequest([HIGHWAY], runs=tmp_path, seeds=2), widths=widths)
        for widths in ({}, matched.widths)
    )
    typed = plan_comparison(ComparisonRequest([f"{HIGHWAY},width={new:g}"], runs=tmp_path, seeds=2))
    for one, other in zip(scaled, typed, strict=True):
        assert (one.run.path, one.label) == (other.run.path, other.label)
        assert one.config and other.config and one.config.to_dict() == other.config.to_dict()
    assert not {item.run.path for item in scaled} & {item.run.path for item in standard}
    assert scaled[0].run.name == f"digits-resnet20-connection-highway-width-{new:g}/seed-0"


def test_counts_are_those_of_the_data(tmp_path: Path) -> None:
    """Three classes leave 7 * 65 parameters of the last layer out."""
    three = match("params", "resnet20", "plain20", runs=tmp_path, overrides=["data.only_classes=[1, 2, 3]"])
    assert three.size == RESNET20 - 7 * 65 and three.changes == ()
    assert three.sentences == [
        "All have the 268,979 parameters of digits-resnet20 within 2 %; no width was changed."
    ]
    (item,) = plan_comparison(ComparisonRequest(["resnet20"], runs=tmp_path))
    assert item.config
    assert match("macs", "resnet20", "plain20", runs=tmp_path).size == counted(item.config.model).macs


def test_the_width_of_a_file_is_scaled_and_its_name_says_so(tmp_path: Path) -> None:
    file = write_yaml(tmp_path / "wide.yaml", name="resnet20", width=20)
    mobile = write_yaml(
        tmp_path / "mobile.yaml", name="mobilenet_v1", options={"alpha": 0.5, "stem": "small"}
    )
    matched = match("params", "resnet20", file, mobile, runs=tmp_path / "runs")
    planned = plan_comparison(
        ComparisonRequest([file, mobile], runs=tmp_path / "runs"), widths=matched.widths
    )
    for item, change, key in zip(planned, matched.changes, ("width", "options.alpha"), strict=True):
        assert item.run.path.parent.name == change.network == f"{Path(item.name).stem}-{key}-{change.new:g}"
        assert item.config and is_within(counted(item.config.model).parameters, RESNET20)
    assert matched.changes[0].old == 20 and planned[0].config and planned[0].config.model.width == 16
    assert planned[1].config and planned[1].config.model.options["stem"] == "small"


def test_a_width_for_all_is_that_of_the_first(tmp_path: Path) -> None:
    matched = match("params", "resnet20", HIGHWAY, runs=tmp_path, overrides=["model.width=8"])
    assert matched.changes[0].old == 8 and 7 < matched.changes[0].new < 8


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (f"{HIGHWAY},width=16", "and says its width itself; leave width out."),
        ("wrn16_4", "and no width that could be scaled; wrn_cifar has one."),
        ("resnet18", "and no width that could be scaled."),
        ("densenet_cifar", "and comes no nearer than this: options.growth=6 has 280,714 (+4.2 %)."),
    ],
)
def test_what_cannot_be_matched_is_refused_with_the_way_out(name: str, why: str, tmp_path: Path) -> None:
    said = refused("params", "resnet20", name, runs=tmp_path)
    assert said.startswith(
        "--match params: not every network can have the 269,434 parameters of resnet20 within 2 %:\n"
    )
    assert f"\n  {name} has " in said and f"{why}\nThe first that is named keeps its width" in said


def test_all_that_cannot_be_matched_is_told_at_once(tmp_path: Path) -> None:
    assert refused("params", "resnet20", "wrn16_4", HIGHWAY, "resnet18", runs=tmp_path).count("\n  ") == 2


def test_given_weights_have_one_width(tmp_path: Path) -> None:
    file = write_yaml(tmp_path / "tuned.yaml", name="resnet20", connection="highway", weights="w.pt")
    assert "leave model.weights out." in refused("params", "resnet20", file, runs=tmp_path)


def test_a_run_is_a_reference_and_is_not_scaled(tmp_path: Path) -> None:
    write_run(tmp_path, "one", model="resnet20")
    size = json.loads((tmp_path / "one/seed-0/summary.json").read_text())["model"]["parameters"]
    matched = match("params", "one", "resnet20", runs=tmp_path)
    assert (matched.reference, matched.size) == ("one", size)
    said = refused("params", "resnet56", "one", runs=tmp_path)
    assert f"one has {size:,}" in said and "give the architecture or YAML file that it is of" in said


def test_the_size_of_an_unfinished_run_is_not_known(tmp_path: Path) -> None:
    write_run(tmp_path, "one", model="resnet20", state="stopped")
    said = refused("params", "resnet20", "one", runs=tmp_path)
    assert "is not finished" in said and "`skiprun resume" in said


def test_there_is_nothing_to_match_in_one_network(tmp_path: Path) -> None:
    assert "name two or more" in refused("macs", "resnet20", runs=tmp_path)


def test_a_wrong_config_is_told_as_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.norm: found 'batchnorm'|'concat' does not fit"):
        match("params", "resnet20", "resnet20:connection=concat", runs=tmp_path)
    with pytest.raises(ConfigError, match="learns masks"):
        match("params", "resnet20", "unet", runs=tmp_path)


def test_a_name_that_would_grow_too_long_is_cut(tmp_path: Path) -> None:
    matched = match("params", "resnet20", HIGHWAY, runs=tmp_path, prefix="x" * 30)
    standard, scaled = (
        plan_comparison(ComparisonRequest([HIGHWAY], runs=tmp_path, prefix="x" * 30), widths=widths)[
            0
        ].run.path.parent.name
        for widths in ({}, matched.widths)
    )
    assert len(standard) < 64 == len(scaled) and standard != scaled == matched.changes[0].network


@pytest.mark.parametrize("options", [["--seeds", "2"], ["--until-decided", "--seeds", "3"]])
def test_a_comparison_trains_and_shows_what_was_matched(
    options: list[str], tmp_path: Path, training: Callable[[Scores], Training]
) -> None:
    training(lambda _, seed: 20.0 + seed)
    arguments = ["compare", "resnet20", HIGHWAY, "--match", "params", "--json", "--runs", str(tmp_path)]
    options += ["--jobs", "1"]
    shown = CliRunner().invoke(app, [*arguments, *options], catch_exceptions=False).stdout
    matched = json.loads(shown)["size_match"]
    assert (matched["kind"], matched["reference"], matched["size"]) == ("params", "digits-resnet20", RESNET20)
    (change,) = matched["changes"]
    places = [tuple(run.parts[-3:-1]) for run in tmp_path.glob("*/seed-*/summary.json")]
    assert {name for name, _ in places} == {"digits-resnet20", change["network"]}
    assert len(places) == 2 * len({seed for _, seed in places}) == 2 * int(options[-3])
    (page,) = tmp_path.glob("comparisons/*-match-params-*/report.html")
    assert f"{change['network']} has {change['after']:,}" in page.read_text()
    assert json.loads((page.parent / "comparison.json").read_text())["size_match"] == matched
    plain = compare(["resnet20", HIGHWAY], runs=tmp_path)
    assert plain.to_dict()["size_match"] is None and plain.report != page


def test_what_is_matched_may_be_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="match is 'flops'; it must be 'params' or 'macs'"):
        compare(["resnet20", "plain20"], runs=tmp_path, match="flops")  # type: ignore[arg-type]

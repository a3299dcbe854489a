"""`skiprun reproduce`: what is measured once is found again, a ledger that grows, controls that must fail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from skiprun.claims.measured import Measured
from skiprun.claims.measurement import Measurement, TrainedNetwork
from skiprun.claims.quantity import Quantity, Region, above, below
from skiprun.cli.app import app
from skiprun.errors import InputError, UnknownName
from skiprun.experiment.reproduction import measuring, reproduce
from skiprun.experiment.reproduction.planning import Plan
from skiprun.experiment.reproduction.reproduce import choose
from skiprun.infos import ClaimInfo
from skiprun.registry import CLAIMS, Entry
from skiprun.run import Run

SHORT = ("schedule.epochs=null", "schedule.steps=2", "data.batch_size=16", "model.width=4")
LOSS = "final.train.loss"


def trained(*networks: TrainedNetwork, **more: Any) -> Measurement:
    parts = {str(number): network for number, network in enumerate(networks)}
    return Measurement(networks=parts, train=True, overrides=SHORT, seeds=2, **more)


def enter(monkeypatch: pytest.MonkeyPatch, expected: Region, **facts: Any) -> None:
    """Enter a claim, `losses`, on the training loss of two short runs into the registry."""

    def statement(found: Measured) -> list[Quantity]:
        """Losses are numbers."""
        return [Quantity("loss", expected, found.score(LOSS, "0"), "log")]

    usual: Mapping[str, Any] = {
        "paper": "nobody 2026",
        "published": "1",
        "budget": "small",
        "measurement": trained(TrainedNetwork("resnet20")),
        "control": trained(TrainedNetwork("plain20")),
        "control_is": "no skips",
    }
    CLAIMS.fill()
    entry = Entry("losses", statement, ClaimInfo(**{**usual, **facts}), __name__)
    monkeypatch.setitem(CLAIMS.entries, "losses", entry)


def test_a_claim_is_measured_once_and_judged_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enter(monkeypatch, above(0.0))
    [first] = reproduce(["losses"], runs=tmp_path, jobs=1)
    assert first.outcome.verdict == "PASS"
    assert first.broken, "its control is trained as well, and has a loss too"
    folder = tmp_path / "claims"
    assert len((folder / "ledger.jsonl").read_text().splitlines()) == 1
    assert "BROKEN" in (folder / "index.html").read_text()

    monkeypatch.setattr(measuring, "train_missing", refuse_training)
    [second] = reproduce(["losses"], runs=tmp_path)
    assert second == first
    assert len((folder / "ledger.jsonl").read_text().splitlines()) == 1, "nothing new was found"

    enter(monkeypatch, below(0.0))
    [third] = reproduce(["losses"], runs=tmp_path)
    assert (third.outcome.verdict, third.control.verdict, third.broken) == ("FAIL", "FAIL", False)
    lines = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    assert [line["verdict"] for line in lines] == ["PASS", "FAIL"]
    assert lines[0]["torch"] and lines[0]["machine"] and lines[0]["date"]


def refuse_training(planned: Any, *_: object) -> None:
    assert not any(item.missing for item in planned)


def test_a_study_is_made_of_each_run_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    one_block = trained(TrainedNetwork("resnet20"), study="lesion", options={"draws": 1}, look={"images": 8})

    def statement(found: Measured) -> list[Quantity]:
        """Lesions do harm."""
        rows = found.rows("0", what="delete")
        return [Quantity("blocks", above(0), {seed: len(each) for seed, each in rows.items()})]

    info = ClaimInfo(
        paper="nobody 2026",
        published="1",
        budget="small",
        measurement=one_block,
        control=trained(TrainedNetwork("plain20"), study="lesion", options={"draws": 1}, look={"images": 8}),
        control_is="no skips",
    )
    CLAIMS.fill()
    monkeypatch.setitem(CLAIMS.entries, "losses", Entry("losses", statement, info, __name__))
    [found] = reproduce(["losses"], runs=tmp_path, jobs=1)
    assert found.outcome.quantities[0].values == {0: 9, 1: 9}
    kept = sorted((tmp_path / "claims" / "studies").glob("lesion-*.json"))
    assert len(kept) == 4
    written = [file.stat().st_mtime_ns for file in kept]
    reproduce(["losses"], runs=tmp_path, jobs=1)
    assert [file.stat().st_mtime_ns for file in kept] == written


def test_a_diverged_run_is_named_and_leaves_the_claim_open(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hot = TrainedNetwork("resnet20", ("optim.lr=1e30", "schedule.steps=20"))
    enter(monkeypatch, above(0.0), measurement=trained(hot))
    [found] = reproduce(["losses"], runs=tmp_path, jobs=1)
    assert found.outcome.verdict == "INCONCLUSIVE"
    assert len(found.outcome.lost) == 2 and all("diverged" in line for line in found.outcome.lost)
    assert "0 of 2 seeds" in found.outcome.sentences[0]


def test_a_network_may_start_from_anothers_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    begun = TrainedNetwork("resnet20", ("data.only_classes=[0, 1, 2]",))
    enter(monkeypatch, above(0.0), measurement=trained(TrainedNetwork("resnet20", start=begun)))
    [found] = reproduce(["losses"], runs=tmp_path, jobs=1)
    assert found.outcome.verdict == "PASS"
    begun_with = {str(Run(path).config.model.weights) for path in tmp_path.glob("*/seed-1")}
    starts = {str(path) for path in tmp_path.glob("*/seed-1") if not Run(path).config.model.weights}
    assert len(starts) == 2 and len(begun_with & starts) == 1


def test_a_run_that_is_its_protocols_has_the_name_that_compare_gives_it(tmp_path: Path) -> None:
    asked = Measurement(networks={"a": TrainedNetwork("resnet20")}, train=True)
    assert Plan(tmp_path).config(asked, asked.networks["a"], 0).name == "digits-resnet20"
    changed = TrainedNetwork("resnet20", ("optim.lr=0.2",))
    assert Plan(tmp_path).config(asked, changed, 0).name == "digits-optim.lr-0.2-resnet20"


def test_a_claim_over_folds_is_refused_as_its_intervals_take_runs_for_independent(tmp_path: Path) -> None:
    networks = {"a": TrainedNetwork("resnet20")}
    asked = Measurement(networks=networks, train=True, overrides=("data.folds=5",))
    with pytest.raises(InputError, match=r"data.folds=5; a claim's intervals .* Leave it out: seeds do"):
        Plan(tmp_path).config(asked, networks["a"], 0)


def test_the_budget_bounds_what_is_chosen() -> None:
    assert {info.budget for info in choose(["all"], None).values()} == {"toy"}
    assert "shattered_gradients" in choose(["shattered_gradients"], None)
    assert set(choose(["all"], "toy")) < set(choose(["all"], "full")) or len(CLAIMS.names()) == 1
    with pytest.raises(UnknownName, match="Did you mean 'shattered_gradients'"):
        choose(["shattered_gradient"], None)


def test_only_where_and_how_may_be_set(tmp_path: Path) -> None:
    asked = Measurement(networks={"a": TrainedNetwork("resnet20")}, train=True)
    here = ("data.root=/photos", "compute.device=cpu")
    on_digits = Plan(tmp_path, here).config(asked, asked.networks["a"], 0)
    assert (on_digits.data.root, on_digits.compute.device) == (None, "cpu")
    cifar = Measurement(networks=asked.networks, train=True, protocol="degradation_cifar")
    assert Plan(tmp_path, here).config(cifar, asked.networks["a"], 0).data.root == "/photos"
    with pytest.raises(InputError, match=r"--set optim.lr=0.5: the protocol of a claim is fixed"):
        reproduce(["shattered_gradients"], overrides=["optim.lr=0.5"], runs=tmp_path)


def test_what_costs_more_than_the_budget_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, above(0.0))
    with pytest.raises(InputError, match=r"--budget toy: found 1 claim, .* costs --budget small"):
        choose(["losses"], "toy")


def test_the_command_says_the_numbers_and_a_broken_claim_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enter(monkeypatch, above(0.0))
    given = ["reproduce", "losses", "--runs", str(tmp_path), "--jobs", "1"]
    ended = CliRunner().invoke(app, given)
    assert ended.exit_code == 1
    assert "BROKEN losses: Losses are numbers." in ended.stdout
    assert "expected above 0: PASS" in ended.stdout
    [document] = json.loads(CliRunner().invoke(app, [*given, "--json"]).stdout)
    assert document["outcome"]["quantities"][0]["expected"] == {"low": 0.0, "high": None}
    listed = json.loads(CliRunner().invoke(app, ["reproduce", "--json", "--runs", str(tmp_path)]).stdout)
    assert {"losses": "BROKEN", "shattered_gradients": None}.items() <= {
        each["claim"]: each["verdict"] for each in listed
    }.items()


def test_numbers_that_cannot_be_computed_leave_that_claim_open_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def statement(found: Measured) -> list[Quantity]:
        """One is divided by nothing."""
        return [Quantity("loss", above(0), {0: 1 / len(found.runs)})]

    toy = {"paper": "nobody 2026", "published": "1", "budget": "toy", "control_is": "the same"}
    asked = Measurement(study="path_lengths")
    info = ClaimInfo(**toy, measurement=asked, control=Measurement(study="path_lengths", seeds=2))  # type: ignore[arg-type]
    CLAIMS.fill()
    monkeypatch.setitem(CLAIMS.entries, "losses", Entry("losses", statement, info, __name__))
    bad, good = reproduce(["losses", "binomial_path_lengths"], runs=tmp_path)
    assert bad.outcome.verdict == "INCONCLUSIVE"
    assert bad.outcome.sentences == ["its numbers cannot be computed: division by zero"]
    assert good.outcome.verdict == "PASS"


def test_a_damaged_document_is_told_and_the_others_are_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "lesions.json").write_text('{"claim": "lesions"}')
    reproduce(["binomial_path_lengths"], runs=tmp_path)
    assert "lesions.json: damaged" in caplog.text and "`skiprun reproduce lesions` writes it" in caplog.text
    page = (folder / "index.html").read_text()
    assert "PASS: The paths through" in page and "lesions" not in page


def test_a_toy_claim_passes_and_its_control_fails(tmp_path: Path) -> None:
    [found] = reproduce(["expected_depth"], runs=tmp_path)
    assert (found.outcome.verdict, found.control.verdict) == ("PASS", "FAIL")


@pytest.mark.slow
def test_every_toy_claim_comes_out_as_foreseen_and_every_control_fails(tmp_path: Path) -> None:
    for found in reproduce(["all"], budget="toy", runs=tmp_path):
        assert (found.claim, found.outcome.verdict) == (found.claim, found.foreseen)
        assert (found.claim, found.control.verdict) == (found.claim, "FAIL")

"""Every published claim of the registry: what it says of itself, and what it asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiprun.claims.measurement import Measurement
from skiprun.experiment.reproduction.planning import Plan
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import study_options
from skiprun.infos import ClaimInfo
from skiprun.registry import CLAIMS, STUDIES, Entry
from skiprun.studies.signature import needs

EVERY = pytest.mark.parametrize("claim", list(CLAIMS), ids=lambda claim: claim.name)
Claim = Entry[object, ClaimInfo]


def measurements(claim: Claim) -> list[Measurement]:
    return [claim.info.measurement, claim.info.control]


@EVERY
def test_it_says_what_it_states_where_from_and_what_its_control_lacks(claim: Claim) -> None:
    assert claim.summary.endswith(".") and claim.summary[0].isupper()
    assert claim.info.paper and claim.info.published and claim.info.control_is
    assert claim.info.control != claim.info.measurement


@EVERY
def test_what_it_asks_for_exists(claim: Claim, tmp_path: Path) -> None:
    for asked in measurements(claim):
        assert asked.study or asked.train, "nothing is measured"
        plan = Plan(tmp_path)
        for network in asked.networks.values():
            assert [item.config for item in plan.trainings(asked, network)]
        SampleSelection(**asked.look)  # type: ignore[arg-type]
        if asked.study:
            study = STUDIES[asked.study]
            study_options(study, asked.options)
            assert bool(needs(study.target)) == bool(asked.networks)


@EVERY
def test_two_networks_of_a_claim_are_two_runs_unless_they_are_meant_to_be_one(
    claim: Claim, tmp_path: Path
) -> None:
    for asked in measurements(claim):
        plan = Plan(tmp_path)
        networks = list(asked.networks.values())
        runs = [{item.run.path for item in plan.trainings(asked, network)} for network in networks]
        for index, network in enumerate(networks):
            for other, there in zip(networks[:index], runs[:index], strict=True):
                assert (network == other) == (there == runs[index])

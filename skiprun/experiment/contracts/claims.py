"""What every published claim keeps: it says what it states, and what it asks for exists."""

from __future__ import annotations

import tempfile
from pathlib import Path

from skiprun.experiment.contracts.contract import Subject, contract, require
from skiprun.experiment.reproduction.planning import Plan
from skiprun.experiment.study_runner.sample_selection import SampleSelection
from skiprun.experiment.study_runner.study import study_options
from skiprun.registry import STUDIES
from skiprun.studies.signature import needs


@contract("claim")
def says_what_it_states(subject: Subject) -> None:
    """It says what it states, where that was published, and what its control lacks."""
    summary, info = subject.entry.summary, subject.entry.info
    require(summary.endswith(".") and summary[:1].isupper(), "its docstring begins with no sentence")
    for fact in ("paper", "published", "control_is"):
        require(getattr(info, fact), f"register(..., {fact}=...) is empty")
    require(info.control != info.measurement, "its control is what it measures itself")


@contract("claim")
def asks_for_what_exists(subject: Subject) -> None:
    """Its networks, protocol, study and options exist, and fit each other."""
    for asked in subject.entry.info.measurements:
        require(asked.study or asked.train, "nothing is measured")
        with tempfile.TemporaryDirectory() as folder:
            plan = Plan(Path(folder))
            for network in asked.networks.values():
                require([item.config for item in plan.trainings(asked, network)], "no seed is trained")
        SampleSelection(**asked.look)
        if asked.study:
            study = STUDIES[asked.study]
            study_options(study, asked.options)
            fits = bool(needs(study.target)) == bool(asked.networks)
            require(fits, f"study {asked.study} needs {'networks' if not asked.networks else 'none'}")


@contract("claim")
def names_no_network_twice(subject: Subject) -> None:
    """Two networks of it are two runs, unless they are meant to be one."""
    for asked in subject.entry.info.measurements:
        with tempfile.TemporaryDirectory() as folder:
            plan, networks = Plan(Path(folder)), list(asked.networks.values())
            runs = [{item.run.path for item in plan.trainings(asked, network)} for network in networks]
        for index, network in enumerate(networks):
            for other, there in zip(networks[:index], runs[:index], strict=True):
                same = (network == other) == (there == runs[index])
                require(same, f"{network.name} and {other.name} would be one run")

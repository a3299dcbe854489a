"""The cards are whole: each connection and study has one, with its figures, numbers and a YAML that works."""

from __future__ import annotations

import re

import pytest
import yaml

from docs.generate.measured import FIGURES, read
from docs.generate.study_sources import study_sources
from docs.generate.trials import SEEDS, trials
from skiprun.config_file import build_config
from skiprun.models import build_from_config
from skiprun.models.complexity.meta import without_content
from skiprun.registry import CONNECTIONS, STUDIES, Registry
from tests.support import ROOT

DOCS = ROOT / "docs"
CONNECTION_PAGE, STUDY_PAGE = ((DOCS / f"{name}.md").read_text() for name in ("connections", "studies"))


@pytest.mark.parametrize(("page", "registry"), [(CONNECTION_PAGE, CONNECTIONS), (STUDY_PAGE, STUDIES)])
def test_every_entry_has_a_card(page: str, registry: Registry) -> None:
    assert re.findall(r"^## (\w+)$", page, re.MULTILINE) == sorted(registry.names())


@pytest.mark.parametrize("section", re.findall(r"```yaml\n(.*?)```", CONNECTION_PAGE, re.DOTALL))
def test_the_yaml_of_a_card_builds_a_network(section: str) -> None:
    config = build_config({**yaml.safe_load(section), "data": {"name": "digits"}, "schedule": {"epochs": 1}})
    with without_content():
        model = build_from_config(config.model, in_channels=1)
    assert any(type(each) is CONNECTIONS[str(config.model.connection)].target for each in model.modules())


def test_every_connection_was_measured_with_every_seed() -> None:
    for trial in trials():
        found = read()["trials"][trial.data]
        assert set(found["scores"]) == set(found["step"]) == set(trial.arms)
        assert {len(scores) for scores in found["scores"].values()} == {SEEDS}


def test_every_study_says_what_it_found() -> None:
    assert set(study_sources().studies) == set(read()["studies"]) == set(STUDIES.names())


def test_the_figures_are_there_and_small_and_all_are_shown() -> None:
    shown = set(re.findall(r"\]\(figures/([\w-]+\.png)\)", CONNECTION_PAGE + STUDY_PAGE))
    for name in shown:
        assert 0 < (FIGURES / name).stat().st_size <= 60_000, name
    drawn = {name for source in study_sources().studies.values() for name in source.figures}
    assert shown == {"connections-gradients.png", *(f"{name}.png" for name in drawn)}

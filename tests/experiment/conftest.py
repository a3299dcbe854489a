"""Comparisons whose training is told beforehand."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest

from tests.support.told_training import Scores, Training


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Callable[[Scores], Training]:
    def stands_for(score: Scores) -> Training:
        training = Training(score)
        monkeypatch.setattr(import_module("skiprun.experiment.run_comparison"), "train_missing", training)
        monkeypatch.setattr("skiprun.reports.figures.draw", lambda _: [])
        return training

    return stands_for

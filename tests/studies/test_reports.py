"""A study that takes long tells of each row as it is found, and how many there will be."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from skiprun.experiment.contracts.study_trial import few, given, network, studied
from skiprun.registry import STUDIES

REPORTING = [
    name for name in STUDIES.names() if "report" in inspect.signature(STUDIES[name].target).parameters
]


@pytest.mark.parametrize("name", REPORTING)
def test_every_row_is_told_once_and_their_number_from_the_first(name: str) -> None:
    study = STUDIES[name].target
    kind = studied(study).network
    told: list[tuple[dict[str, Any], int]] = []
    result = study(
        **given(study, network(kind), kind),
        **few(study),
        report=lambda row, total: told.append((dict(row), total)),
    )
    assert told and {total for _, total in told} == {len(told)}
    of_told = [next(row for row in result.rows if each.items() <= row.items()) for each, _ in told]
    assert [result.rows.index(row) for row in of_told] == sorted({result.rows.index(row) for row in of_told})

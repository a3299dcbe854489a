"""What differs between the runs of a comparison beside the model is refused, unless it is allowed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.errors import InputError
from skiprun.experiment import compare
from skiprun.results.fairness import group_differences, refuse_unfair
from skiprun.run import Run
from tests.support.fake_runs import write_run, write_trio


def found(runs: list[Run]) -> dict[str, dict[str, object]]:
    return group_differences(compare_runs(runs).groups)


def test_networks_of_one_protocol_differ_in_nothing_but_the_model(tmp_path: Path) -> None:
    assert found(write_trio(tmp_path)) == {}


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("optim.lr", {"settings": {"optim": {"lr": 0.2}}}),
        ("schedule.epochs", {"epochs": 20}),
        ("data", {"fingerprint": "beef"}),
        ("seeds.split", {"settings": {"seeds": {"split": 1}}}),
        ("seeds.order", {"settings": {"seeds": {"order": 0}}}),
    ],
)
def test_each_other_difference_is_refused_by_name(tmp_path: Path, key: str, change: dict[str, Any]) -> None:
    runs = [write_run(tmp_path, "plain20"), write_run(tmp_path, "resnet20", connection="add", **change)]
    unequal = found(runs)
    assert list(unequal) == [key]
    with pytest.raises(InputError, match="More than the model differs") as refused:
        refuse_unfair(unequal, ())
    assert f"\n  {key}: " in str(refused.value) and str(refused.value).endswith(f"--allow {key}")
    refuse_unfair(unequal, [key])
    refuse_unfair(unequal, [key.split(".")[0]])  # a whole section


def test_seeds_of_one_network_are_held_to_the_same(tmp_path: Path) -> None:
    slow: dict[str, Any] = {"settings": {"optim": {"lr": 0.01}}}
    assert list(found([write_run(tmp_path, "plain20"), write_run(tmp_path, "plain20", 1, **slow)])) == [
        "optim.lr"
    ]


def test_versions_device_and_precision_count_where_runs_say_them(tmp_path: Path) -> None:
    [group] = compare_runs([write_run(tmp_path, "plain20"), write_run(tmp_path, "plain20", 1)]).groups
    one, other = group.runs
    elsewhere = replace(
        other,
        sessions=({**other.sessions[-1], "torch": "2.11.0"},),
        summary={**other.summary, "precision": "bf16", "device": "cuda"},
    )
    unequal = group_differences([replace(group, runs=(one, elsewhere))])
    assert set(unequal) == {"torch", "precision", "device"}
    silent = replace(other, sessions=())
    assert group_differences([replace(group, runs=(one, silent))]) == {}


def test_a_comparison_is_refused_before_it_trains_and_goes_on_where_that_is_meant(tmp_path: Path) -> None:
    for name, lr in (("one", 0.1), ("other", 0.2)):
        (tmp_path / f"{name}.yaml").write_text(
            f"name: {name}\nmodel: {{name: resnet20, width: 4}}\ndata: {{name: digits, batch_size: 512}}\n"
            f"schedule: {{steps: 2}}\noptim: {{lr: {lr}}}\nlog: {{tensorboard: false}}\n"
        )
    names = [str(tmp_path / f"{name}.yaml") for name in ("one", "other")]
    with pytest.raises(InputError, match=r"optim.lr: 0.1 \(one seed 0\); 0.2 \(other seed 0\)"):
        compare(names, runs=tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()
    comparison = compare(names, runs=tmp_path / "runs", jobs=1, allow=["optim.lr"])
    assert len(comparison.groups) == 2
    assert any("optim.lr differs between the groups" in caution for caution in comparison.cautions)

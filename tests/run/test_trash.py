"""The trash: a kill at any moment leaves each run whole, in one of the two places; nothing is overwritten."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from skiprun.errors import InputError
from skiprun.results.records import read
from skiprun.run import Run, find_runs
from skiprun.run.tags import change_tags, tags_of
from skiprun.run.trash import delete_runs, empty_trash, remove_runs, removed, restore_runs
from tests.support.fake_runs import write_run

CHANGES = ("rename", "replace", "mkdir", "unlink", "rmdir", "open")


def killed_at(moment: int, act: Callable[[], object]) -> bool:
    """Do something in a fork that ends, as by SIGKILL, at one of its changes of the disk; tell if it did."""
    child = os.fork()
    if child == 0:
        left = moment

        def counting(change: Callable[..., Any]) -> Callable[..., Any]:
            def changing(*args: Any, **options: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os._exit(9)
                return change(*args, **options)

            return changing

        for name in CHANGES:
            setattr(Path, name, counting(getattr(Path, name)))
        act()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def write_seeds(root: Path) -> list[Run]:
    return [write_run(root, "plain20", seed, epochs=1) for seed in range(2)]


@pytest.mark.parametrize("act", ["remove", "restore"])
def test_a_kill_at_any_moment_leaves_each_run_whole_in_one_place(act: str, tmp_path: Path) -> None:
    for moment in range(100):
        root = tmp_path / str(moment)
        runs = write_seeds(root)
        if act == "restore":
            remove_runs(runs)
        doing = partial(remove_runs, runs) if act == "remove" else partial(restore_runs, root, "plain20")
        if not killed_at(moment, doing):
            break
        there, gone = find_runs(root), [Run(path) for path in removed(root)]
        assert sorted(run.name for run in (*there, *gone)) == [run.name for run in runs]
        assert all(read(run).finished for run in (*there, *gone))
        if act == "remove" and there:
            remove_runs(there)  # the same command again
        if removed(root):
            restore_runs(root, "plain20")
        assert [run.name for run in find_runs(root)] == [run.name for run in runs]
    assert moment > 3, "it was killed on the way"


def test_a_kill_while_a_run_is_tagged_leaves_the_old_tags_or_the_new(tmp_path: Path) -> None:
    run = write_run(tmp_path, "plain20")
    change_tags(run, ["old"])
    moment = 0
    while killed_at(moment, lambda: change_tags(run, ["new"])):
        assert tags_of(run) in (["old"], ["new", "old"])
        change_tags(run, remove=["new"])
        moment += 1
    assert moment > 1 and tags_of(run) == ["new", "old"]


def test_of_runs_removed_under_one_name_the_last_comes_back_and_none_is_lost(tmp_path: Path) -> None:
    for error in (1.0, 2.0):
        remove_runs([write_run(tmp_path, "plain20", error=error)])
    assert len(removed(tmp_path)) == 2
    (run,) = restore_runs(tmp_path, "plain20/seed-0")
    assert read(run).number("final.train.error") == 2.0
    with pytest.raises(InputError, match="is there; to have the other one back, first `skiprun runs rm"):
        restore_runs(tmp_path, "plain20")
    delete_runs([run])
    (run,) = restore_runs(tmp_path, "plain20")
    assert read(run).number("final.train.error") == 1.0


def test_an_empty_trash_can_be_emptied(tmp_path: Path) -> None:
    empty_trash(tmp_path)
    assert removed(tmp_path) == []
    remove_runs(write_seeds(tmp_path))
    empty_trash(tmp_path)
    assert removed(tmp_path) == [] and list(tmp_path.iterdir()) == []

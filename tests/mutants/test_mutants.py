"""What is mutated, which tests a mutant meets, and that a worker tells a killed one from a survivor."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support import ROOT

pytest.importorskip("cosmic_ray")  # comes with the extra `mutants`

from tests.mutants.covering import lines_of_scope
from tests.mutants.mutations import change, mutations
from tests.mutants.sample import STRATA
from tests.mutants.worker import mutated, run

MODULE = '''"""1 + 1."""

from __future__ import annotations

LIMIT: int | None = 3


def half(value: int | None = 2) -> int | float:
    if value > LIMIT:
        raise ValueError(f"{value + 1} is too much")
    log.info("%d", value * 2)
    return (
        value
        / 2
    )
'''


def test_messages_and_annotations_are_not_mutated() -> None:
    changed = {mutation.line for mutation in mutations("m.py", MODULE)}
    assert changed == {
        "LIMIT: int | None = 3",
        "def half(value: int | None = 2) -> int | float:",
        "if value > LIMIT:",
        "/ 2",
    }
    assert not any("|" in mutation.apply(MODULE).replace(" | ", "") for mutation in mutations("m.py", MODULE))


def test_a_mutation_keeps_its_key_when_other_lines_change() -> None:
    before, after = (
        {mutation.key for mutation in mutations("m.py", source)}
        for source in (MODULE, MODULE.replace("\n\nLIMIT", "\nOTHER = 1\n\nLIMIT"))
    )
    assert before < after and all("OTHER = 1" in key for key in after - before)


def test_a_change_is_shown_by_its_lines_and_is_none_where_nothing_is_another() -> None:
    assert change("a = 1\nb = 2\n", "a = 1\nb =  3\n") == ("b = 2", "b =  3")
    assert change("a = 1\n", "a =  1\n") is None and change("a = 1\n", "a = =\n") is None


@pytest.mark.parametrize(
    ("line", "lines"),
    [(5, None), (8, {9, 10, 11, 12, 13, 14, 15}), (9, {9}), (14, {12, 13, 14, 15})],
    ids=["module", "head of a function", "head of an if", "middle of a statement"],
)
def test_lines_that_run_together(line: int, lines: set[int] | None) -> None:
    assert lines_of_scope(ast.parse(MODULE), line) == lines
    assert lines_of_scope(ast.parse("@register(1)\ndef one():\n    pass\n"), 1) is None


@pytest.mark.parametrize(
    ("mutant", "seconds", "code", "failed"),
    [
        ("value / 2", 120, 0, ""),
        ("value * 2", 120, 1, "test_halves.py::test_it"),
        ("sum(iter(int, 1))", 3, None, ""),
    ],
    ids=["survives", "is killed", "does not end"],
)
def test_a_worker_says_how_a_mutant_ends(
    mutant: str,
    seconds: int,
    code: int | None,
    failed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    halves, source = Path("halves.py"), "def half(value):\n    return value / 2\n"
    halves.write_text(source)
    Path("test_halves.py").write_text("from halves import half\ndef test_it():\n    assert half(3) == 1.5\n")
    with mutated(halves, source.replace("value / 2", mutant), serial=1):
        ended = run(["test_halves.py::test_it"], seconds, str(tmp_path))
    assert (ended["code"], ended["failed"]) == (code, failed)
    assert halves.read_text() == source


def test_sampled_folders_are_there() -> None:
    assert all((ROOT / "skiprun" / folder).is_dir() for folders in STRATA.values() for folder in folders)

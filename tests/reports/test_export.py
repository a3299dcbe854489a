"""What a comparison is written as for papers and notebooks: LaTeX, CSV, and the table behind the best."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from skiprun.claims.comparison import compare_runs
from skiprun.reports import write_comparison
from skiprun.reports.export import latex_text
from skiprun.reports.rivals import rival_rows
from tests.support.fake_runs import write_trio


def test_csv_holds_the_numbers_of_the_document(tmp_path: Path) -> None:
    write_comparison(compare_runs(write_trio(tmp_path)), tmp_path / "out")
    saved = json.loads((tmp_path / "out" / "comparison.json").read_text())["groups"]
    with (tmp_path / "out" / "comparison.csv").open() as file:
        rows = {(row["network"], row["number"]): row for row in csv.DictReader(file)}
    for group in saved:
        row = rows[group["name"], "test.error"]
        expected = group["test"]["error"]
        assert {key: float(row[key]) for key in expected} == expected
        assert row["parameters"] == str(group["model"]["parameters"])


def test_latex_has_a_column_each_and_shows_what_stands_in_names(tmp_path: Path) -> None:
    write_comparison(compare_runs(write_trio(tmp_path)), tmp_path / "out")
    lines = (tmp_path / "out" / "comparison.tex").read_text().splitlines()
    assert lines[0].startswith(r"\begin{tabular}{llrr") and lines[-1] == r"\end{tabular}"
    table = [line for line in lines if line.endswith(r"\\")]
    assert len(table) == 4 and len({line.count(" & ") for line in table}) == 1
    assert r"68.03 $\pm$ 0.25" in table[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a_b 5 %", r"a\_b 5 \%"), (r"x\y", r"x\textbackslash{}y"), ("1.1 +- 0.2", r"1.1 $\pm$ 0.2")],
)
def test_latex_text_is_shown_as_it_is(text: str, expected: str) -> None:
    assert latex_text(text) == expected


def test_rivals_are_told_with_what_the_seeds_can_see(tmp_path: Path) -> None:
    ranking = compare_runs(write_trio(tmp_path), same_within=0.5).verdict.ranking.evidence
    headings, rows = rival_rows(ranking)
    assert headings[-2:] == ["within 0.50", "beats plain20"] and len(rows) == 2
    named = dict(zip(headings, rows[-1], strict=True))
    assert named["network"] == "plain56" and named["p"] == "< 0.001" and named["seeds needed"] == "2"
    assert named["beats plain20"].startswith("0 % (0 to ")
    assert rival_rows(compare_runs(write_trio(tmp_path / "one", seeds=1)).verdict.ranking.evidence)[1] == []

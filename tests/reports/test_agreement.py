"""One comparison, one set of numbers: page, Markdown, CSV, LaTeX, JSON and charts agree."""

from __future__ import annotations

import csv
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from skiprun.claims.comparison import Comparison, compare_runs
from skiprun.reports import write_comparison
from skiprun.reports.charts import charts_json
from skiprun.reports.plots import describe
from skiprun.results.numbers import format_score, significant
from tests.support.fake_runs import write_trio

Table = list[list[str]]


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare_runs(write_trio(tmp_path_factory.mktemp("runs")))


@pytest.fixture(scope="module")
def folder(comparison: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What is written of the comparison; its pictures are left out."""
    folder = tmp_path_factory.mktemp("comparisons") / "trio"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skiprun.reports.figures.draw", lambda plots: [])
        write_comparison(comparison, folder)
    yield folder


def page_table(folder: Path, heading: str) -> Table:
    """Return a table of report.html."""
    text = (folder / "report.html").read_text().split(f"<h2>{heading}</h2>")[1].split("</table>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in text.split("</tr>")]
    return [
        [" ".join(html.unescape(re.sub(r"<.*?>", "", cell)).split()) for cell in row] for row in cells[:-1]
    ]


def markdown_table(folder: Path, heading: str) -> Table:
    """Return a table of report.md."""
    lines = (folder / "report.md").read_text().split(f"## {heading}\n")[1].split("\n## ")[0].splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in rows]


def latex_table(folder: Path) -> Table:
    """Return the table of comparison.tex."""
    lines = (folder / "comparison.tex").read_text().splitlines()
    rows = [line.removesuffix(r" \\").split(" & ") for line in lines if line.endswith(r"\\")]
    return [[cell.replace(r" $\pm$ ", " ± ").replace("\\", "") for cell in row] for row in rows]


@pytest.mark.parametrize("heading", ["Results", "Behind the best", "Single runs"])
def test_page_and_markdown_have_the_same_tables(heading: str, folder: Path) -> None:
    found = [[cell.replace(" +- ", " ± ") for cell in row] for row in markdown_table(folder, heading)]
    assert len(found) > 2 and found == page_table(folder, heading)


def test_latex_has_the_table_of_the_page(folder: Path) -> None:
    assert latex_table(folder) == page_table(folder, "Results")


def test_csv_and_json_have_the_numbers_of_the_page(folder: Path) -> None:
    headings, *rows = page_table(folder, "Results")
    groups = json.loads((folder / "comparison.json").read_text())["groups"]
    with (folder / "comparison.csv").open() as file:
        means = {(row["network"], row["number"]): float(row["mean"]) for row in csv.DictReader(file)}
    for row, group in zip(rows, groups, strict=True):
        shown = dict(zip(headings, row, strict=True))
        name = group["name"]
        for part, saved, key in (
            ("train error %", group["train"]["error"], "final.train.error"),
            ("val error %", group["val"]["error"], "best.val.error"),
            ("test error %", group["test"]["error"], "test.error"),
        ):
            assert shown[part].split(" ± ")[0] == format_score(saved["mean"], "error")
            assert means[name, key] == saved["mean"]
        assert shown["test error %"].split(" ± ")[1] == format_score(group["test"]["error"]["std"], "error")
        assert shown["train loss"] == significant(group["train"]["loss"]["mean"])
        assert means[name, "final.train.loss"] == group["train"]["loss"]["mean"]


def test_charts_have_the_numbers_of_the_document(comparison: Comparison, folder: Path) -> None:
    drawn: dict[str, Any] = json.loads(charts_json(describe(comparison.groups)))
    (dots,) = (chart for chart in drawn["charts"] if chart["name"] == "test_error")
    for index, group in enumerate(json.loads((folder / "comparison.json").read_text())["groups"]):
        test = group["test"]["error"]
        assert dots["means"][str(index)] == {key: test[key] for key in ("n", "mean", "low", "high")}
        runs = {run["seed"]: run["values"] for run in dots["runs"] if run["network"] == index}
        assert runs == {run["seed"]: run["test.error"] for run in group["runs"]}

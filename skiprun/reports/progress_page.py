"""The page of a comparison while its runs go on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from skiprun.claims.comparison import compare_runs
from skiprun.reports.charts import charts_json
from skiprun.reports.page import Diagrams, drawn_networks, figure_facts, no_diagrams, page_facts, title_of
from skiprun.reports.plot_kinds import networks_of
from skiprun.reports.plots import describe
from skiprun.reports.rendering import render, written_now
from skiprun.results.grouping import group_by_experiment
from skiprun.results.progress import under_way
from skiprun.results.records import read
from skiprun.run import Run
from skiprun.system.files import make_folder, write_text


def write_progress(
    runs: Sequence[Run],
    planned: int,
    folder: Path,
    reload: int | None,
    diagrams: Diagrams = no_diagrams,
) -> Path:
    """Write report.html alone, of runs that go on: what is found of those that ended, and how all of them go.

    Its figures need the script of the page; pictures are drawn at the end.

    Args:
        runs: those that have begun.
        planned: how many there will be.
        folder: of the comparison.
        reload: after how many seconds a browser loads the page anew; None: it stands still.
        diagrams: gives those of the networks, by label.

    Raises:
        StorageError: the folder cannot be written.
    """
    make_folder(folder, below=folder.parent.parent)
    comparison = compare_runs(runs)
    groups = group_by_experiment([under_way(read(run)) for run in runs])
    plots = describe(groups)
    facts = (
        page_facts(comparison)
        | written_now()
        | {
            "title": title_of([group.label for group in groups]),
            "datasets": list(dict.fromkeys(group.first.text("data.name") for group in groups)),
            "figures": [figure_facts(plot, "") for plot in plots],
            "charts": charts_json(plots),
            "masks": [],
            "planned": planned,
            "reload": reload,
        }
        | drawn_networks(diagrams(networks_of(plots)), [group.label for group in groups])
    )
    write_text(folder / "report.html", render("report.html", facts))
    return folder / "report.html"

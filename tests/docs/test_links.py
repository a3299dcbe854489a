"""Every link between the pages leads somewhere, and every page is one step from the index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ROOT
from tests.support.pages import DOCS, PAGES, anchors, links, name_of

FIGURE_BYTES = 100_000


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        assert target.is_relative_to(ROOT), f"{link}: outside of the repository"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


def test_every_page_is_one_step_from_the_index() -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}
    assert linked >= {page for page in PAGES if DOCS in page.parents} - {DOCS / "README.md"}


def test_figures_are_small_and_shown() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page)}
    for figure in (DOCS / "figures").rglob("*.*"):
        assert figure.stat().st_size <= FIGURE_BYTES, figure
        assert figure in shown, figure


@pytest.mark.parametrize(
    ("link", "answer"),
    [
        ("docs/config.md", "optim.lr"),
        ("docs/connections.md", "stochastic_depth"),
        ("#add-a-thing", "CONNECTIONS.register"),
        ("docs/decisions/data-on-the-device.md", "no DataLoader"),
        ("docs/architecture.md", "summary.json"),
    ],
)
def test_questions_of_a_newcomer_are_one_step_from_the_first_page(link: str, answer: str) -> None:
    readme = ROOT / "README.md"
    assert link in list(links(readme))
    assert answer in (ROOT / (link.partition("#")[0] or "README.md")).read_text()

"""Pages in a headless Chromium of this machine; without one, or without playwright, its tests are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser, started once."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install skiprun[browser]")
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@dataclass
class Tab:
    """An open page, what went wrong in it, and what it asked for."""

    page: Any
    address: str
    wrong: list[str] = field(default_factory=list)
    requested: list[str] = field(default_factory=list)


Open = Callable[..., Any]


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Open]:
    """Opens a file in a tab of its own; an error in its console, or a request for anything else, fails."""
    tabs: list[Tab] = []

    def open_it(file: Path, width: int = 1400, **options: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        tab = Tab(context.new_page(), file.as_uri())
        tabs.append(tab)
        tab.page.on("console", lambda message: tab.wrong.append(f"console: {message.text}"))
        tab.page.on("pageerror", lambda error: tab.wrong.append(f"error: {error}"))
        tab.page.on("request", lambda request: tab.requested.append(request.url.split("#")[0]))
        tab.page.goto(tab.address)
        return tab.page

    yield open_it
    for tab in tabs:
        tab.page.context.close()
        assert not tab.wrong and {*tab.requested} == {tab.address}

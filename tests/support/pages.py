"""The pages of the project: their blocks of code, the commands that they show, and their links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "benchmarks").glob("*.md")),
    *sorted(page for page in DOCS.rglob("*.md") if "templates" not in page.parts),
]


@dataclass(frozen=True)
class Command:
    """A line of a block of shell commands."""

    page: Path
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)

    def __str__(self) -> str:
        return f"{name_of(self.page)}: {self.line}"


def name_of(page: Path) -> str:
    """Return a page as people call it."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of each fenced block of a page."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[Command]:
    """Return the shell commands of a page, in order."""
    lines = [line for language, text in blocks(page) if language == "sh" for line in text.splitlines()]
    return [Command(page, line) for line in lines if line.strip() and not line.startswith("#")]


def mentions(page: Path) -> list[Command]:
    """Return the skiprun commands that a page names within its text."""
    found = re.findall(r"(?<!`)`(skiprun [^`\n]+)`(?!`)", prose(page))
    return [Command(page, line) for line in found]


def links(page: Path) -> Iterator[str]:
    """Yield the targets of a page's links and images that lie in the repository."""
    for target in re.findall(r"\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)", prose(page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return what the headings of a page are called in links, as forges make it."""
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")
        repeated = found.count(anchor)
        found += [anchor, f"{anchor}-{repeated}"] if repeated else [anchor]
    return set(found)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)

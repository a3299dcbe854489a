"""`python -m docs`: write every generated file, as `make docs` does; a test compares what is committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from docs.config_page import config_page

ROOT = Path(__file__).parent.parent
GENERATED: list[tuple[str, Callable[[], str]]] = [
    ("docs/config.md", config_page),
]


def main() -> None:
    """Write each generated file."""
    for file, text in GENERATED:
        (ROOT / file).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()

"""`python -m docs.generate`: write every generated file, as `make docs` does; a test compares them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from docs.generate import claims_page, connection_cards, study_cards
from docs.generate.config_page import config_page
from docs.generate.diagram_figure import network_diagram
from skiprun.cli.config import schema_here
from skiprun.config.schema import sweep_schema

ROOT = Path(__file__).parent.parent.parent
GENERATED: list[tuple[str, Callable[[], str]]] = [
    ("docs/config.md", config_page),
    ("configs/schema.json", lambda: json.dumps(schema_here(), indent=2) + "\n"),
    ("configs/sweeps/schema.json", lambda: json.dumps(sweep_schema(), indent=2) + "\n"),
    ("docs/connections.md", connection_cards.page),
    ("docs/studies.md", study_cards.page),
    ("docs/claims.md", claims_page.page),
    ("docs/figures/resnet20-sites.svg", network_diagram),
]


def main() -> None:
    """Write each generated file."""
    for file, text in GENERATED:
        (ROOT / file).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()

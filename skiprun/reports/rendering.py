"""Fill the templates of pages, and say when that was done."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import skiprun
from skiprun.reports.glossary import anchor, word_of
from skiprun.results.numbers import significant

TEMPLATES = Path(__file__).parent / "templates"


def written_now() -> dict[str, str]:
    """Return when a page is written, and by what."""
    return {"written": time.strftime("%Y-%m-%d %H:%M"), "skiprun": skiprun.__version__}


def render(template: str, facts: dict[str, object]) -> str:
    """Fill a template; in the page everything that comes from runs is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": markdown_text, "number": _number, "value": _yaml_value}
    environment.filters |= {"word": word_of, "anchor": anchor}
    environment.filters |= {"by_value": _by_value, "few_runs": _few_runs}
    return environment.get_template(template).render(facts)


def markdown_text(text: object) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#$~])", r"\\\1", " ".join(str(text).split()))


def _number(value: float | None) -> str:
    """Return a number of a document, in which null stands for one without end."""
    return "no end" if value is None else significant(value)


def _yaml_value(value: object) -> str:
    """Return a config value as YAML would write it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _by_value(values: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the names that have each value, as YAML would write it."""
    found: dict[str, list[str]] = {}
    for name, value in values.items():
        found.setdefault(_yaml_value(value), []).append(name)
    return found


def _few_runs(names: Sequence[str]) -> str:
    """Return names of runs, or how many there are."""
    return ", ".join(names) if len(names) < 5 else f"{len(names)} runs"

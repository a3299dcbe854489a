"""`studies.md`: a card for each study, from the registry, `studies.yaml` and what was measured."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter

from docs.generate.markdown import fill, table, text
from docs.generate.measured import StudyFound, read, refuse_unmeasured
from docs.generate.papers import linked
from docs.generate.study_sources import StudySource, study_sources
from skiprun.cli.study_command import Study, flag, own_options
from skiprun.config.type_words import type_words, yaml_text
from skiprun.registry import STUDIES
from skiprun.reports.study_figures import figure_name
from skiprun.results.numbers import significant
from skiprun.studies.signature import needs


@dataclass(frozen=True)
class Card:
    """What is said of one study, each part as Markdown."""

    name: str
    summary: str
    looks_at: str
    paper: str
    text: str
    command: str
    options: str
    figures: dict[str, str]
    read: str
    seconds: str
    verdicts: dict[str, str]


def page() -> str:
    """Return the page of all studies."""
    known, sources = read(), study_sources()
    refuse_unmeasured(STUDIES.names(), sources.studies.keys() & known["studies"].keys(), "studies")
    cards = [
        card(STUDIES[name], sources.studies[name], known["studies"][name]) for name in sorted(STUDIES.names())
    ]
    facts = {"cards": cards, "prepare": sources.prepare, "machine": known["machines"]["studies"]}
    return fill("studies.md", facts)


def card(study: Study, source: StudySource, found: StudyFound) -> Card:
    """Return the card of one study."""
    return Card(
        name=study.name,
        summary=text(study.summary),
        looks_at=looks_at(study),
        paper=linked(study.info.paper or ""),
        text=text(inspect.getdoc(sys.modules[study.module]) or ""),
        command=source.command,
        options=options(study),
        figures={name: title for name, title in titles(study).items() if name in source.figures},
        read=source.read,
        seconds=significant(found["seconds"], 2),
        verdicts={label: text(verdict) for label, verdict in found["verdicts"].items()},
    )


def titles(study: Study) -> dict[str, str]:
    """Return the titles of a study's figures by the names of their files."""
    return {figure_name(study.name, figure.title): figure.title for figure in study.info.figures}


def looks_at(study: Study) -> str:
    """Say which networks a study takes."""
    needed = needs(study.target)
    if "models" in needed:
        return "networks with initial weights, or runs"
    if "other" in needed:
        return "two runs"
    return "runs" if needed else "networks of its own"


def options(study: Study) -> str:
    """Return the table of a study's own options; nothing where it has none."""
    rows = [[f"`{name}`", kind, default, meaning] for name, kind, default, meaning in option_rows(study)]
    return table(["option", "type", "default", "meaning"], rows, numbers=False) if rows else ""


def option_rows(study: Study) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, type, default and meaning of each option of a study's command that is its own."""
    hints = get_type_hints(study.target, include_extras=True)
    for each in [*own_options(study), *(flag(name, help) for name, help in study.info.also.items())]:
        told = get_args(each.annotation)[-1]
        named = [word for word in (told.default, *(told.param_decls or ())) if isinstance(word, str)]
        yield (
            next(iter(named), f"--{each.name.replace('_', '-')}"),
            kind(each, hints.get(each.name)),
            default(each),
            text(told.help or ""),
        )


def kind(option: Parameter, hint: Any) -> str:
    """Return the type of an option in words."""
    return "flag" if option.default is False else type_words(TypeAdapter(hint).json_schema())


def default(option: Parameter) -> str:
    """Return the default of an option; nothing where it is worked out, which its meaning says."""
    return "" if option.default is None or option.default is False else f"`{yaml_text(option.default)}`"

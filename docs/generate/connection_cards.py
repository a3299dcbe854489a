"""`connections.md`: a card for each connection, from the registry and what was measured."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from docs.generate.markdown import fill, table, text
from docs.generate.measured import read
from docs.generate.papers import linked
from docs.generate.shown_trial import ShownTrial
from docs.generate.trials import ALWAYS, SEEDS, SKIPINIT, Trial
from docs.generate.trials import trials as all_trials
from skiprun.config.type_words import yaml_text
from skiprun.connections import Connection
from skiprun.infos import ConnectionInfo
from skiprun.legacy import ATTENTION_GATED, connection_of_today
from skiprun.legacy import CONNECTIONS as OLD_WORDS
from skiprun.models.option_rows import OptionRow, connection_options
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS, MODELS, Entry

ConnectionEntry = Entry[type[Connection], ConnectionInfo]
# Where earlier versions had a word: a network, and options of the connection.
OLD_PLACES: dict[str, tuple[str, dict[str, object]]] = {
    "": ("resnet20", {}),
    f" in {', '.join(f'`{name}`' for name in ATTENTION_GATED)}": ("unet", {}),
    " with `per_channel: true`": ("resnet20", {"per_channel": True}),
}


@dataclass(frozen=True)
class Card:
    """What is said of one connection, each part as Markdown."""

    name: str
    formula: str
    paper: str
    text: str
    yaml: str
    options: str
    fits: str
    older: str
    measured: str
    command: str


def page() -> str:
    """Return the page of all connections."""
    known = read()
    trials = [ShownTrial(trial, known["trials"][trial.data]) for trial in all_trials()]
    shown = {name: each for each in trials for name in each.trial.shown}
    cards = [card(CONNECTIONS[name], shown[name]) for name in sorted(CONNECTIONS.names())]
    facts = {"trials": trials, "cards": cards, "seeds": SEEDS, "machine": known["machines"]["connections"]}
    return fill("connections.md", facts)


def card(entry: ConnectionEntry, shown: ShownTrial) -> Card:
    """Return the card of one connection."""
    kind, info = entry.target, entry.info
    body = inspect.getdoc(kind) or ""
    more = [inspect.getdoc(sys.modules[entry.module]) or "", *body.split("\n\n")[1:]]
    rows = connection_options(kind)
    arms = list(dict.fromkeys([*ALWAYS, entry.name, *([SKIPINIT] if entry.name == "rezero" else [])]))
    return Card(
        name=entry.name,
        formula=info.formula,
        paper=linked(info.paper or ""),
        text=text("\n\n".join(part for part in more if not part.startswith("Options:"))),
        yaml=yaml_line(entry, shown.trial, rows),
        options=options(rows),
        fits=fits(entry.name),
        older=older(entry.name),
        measured=shown.columns(arms),
        command=shown.trial.command(arms),
    )


def yaml_line(entry: ConnectionEntry, trial: Trial, rows: Sequence[OptionRow]) -> str:
    """Return the section `model` of a network around a connection, with all of its options."""
    given = ", ".join(f"{name_of(row)}: {yaml_text(row['default'])}" for row in rows)
    more = given and f", connection_options: {{{given}}}"
    return f"model: {{name: {trial.network}, connection: {entry.name}{more}}}"


def options(rows: Sequence[OptionRow]) -> str:
    """Return the table of a connection's options; nothing where it has none."""
    cells = [
        [f"`{name_of(row)}`", row["type"], f"`{yaml_text(row['default'])}`", text(row["meaning"])]
        for row in rows
    ]
    return table(["option", "type", "default", "meaning"], cells, numbers=False) if cells else ""


def name_of(row: OptionRow) -> str:
    """Return the name of an option in `connection_options`."""
    return row["key"].rpartition(".")[2]


def fits(name: str) -> str:
    """Say which families of networks take a connection."""
    entries = [entry for entry in MODELS if entry.info.connection]
    every = {entry.info.family for entry in entries}
    taking = {entry.info.family for entry in entries if name in connections_that_fit(entry)}
    if not (others := every - taking):
        return "Fits every network with connection sites."
    if len(others) < len(taking):
        return f"Fits every network with connection sites but the families {listed(others)}."
    return f"Fits the families {listed(taking)}."


def listed(names: set[str]) -> str:
    """Return names in order."""
    return ", ".join(f"`{name}`" for name in sorted(names))


def older(name: str) -> str:
    """Say what earlier versions called a connection; nothing where its name is the first."""
    words = {
        f"`{word}`{place}": connection_of_today(word, *where)
        for place, where in OLD_PLACES.items()
        for word in OLD_WORDS
        if not place or connection_of_today(word, *where) != connection_of_today(word, *OLD_PLACES[""])
    }
    found = [word for word, today in words.items() if today == name]
    return f"Run directories of earlier versions may call it {' or '.join(found)}." if found else ""

"""What `skiprun explain` says: each symptom in plain sentences, where it is seen, and what to try."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from skiprun.claims.symptom import Explanation, Symptom
from skiprun.errors import printable
from skiprun.results.run_log import Point


def explanation_text(explanation: Explanation) -> RenderableType:
    """Return an explanation as paragraphs, with what was looked for below them."""
    return Group(*_lines(explanation))


def _lines(explanation: Explanation) -> Iterator[Text]:
    record, symptoms = explanation.log.record, explanation.symptoms
    state = f"{record.state}, stopped early" if record.stopped_early else record.state
    yield Text(printable(f"{record.run.name}: {state}, with a log up to step {explanation.log.last_step}"))
    if record.message:
        yield Text(printable(record.message))
    for name, symptom in symptoms.items():
        yield from _paragraph(name, symptom)
    if not symptoms:
        yield Text("Nothing unusual found.")
    for how in ("not seen", "not measured"):
        if names := _names(explanation, how):
            yield Text(f"\nLooked for, {how}:")
            yield from (Text(f"- {name}") for name in names)


def _paragraph(name: str, symptom: Symptom) -> Iterator[Text]:
    """Yield what was seen of a symptom, the values that show it, and what to try."""
    yield Text()
    yield Text(name.replace("_", " ").capitalize(), "bold")
    yield Text(symptom.sentence)
    if symptom.evidence:
        yield Text(f"  Seen in: {'; '.join(map(evidence_text, symptom.evidence))}")
    yield Text(f"  Try: {symptom.advice}")


def evidence_text(point: Point) -> str:
    """Return a value with its tag and step in metrics.jsonl."""
    return f"{point.tag} {point.value:.4g} at step {point.step}"


def _names(explanation: Explanation, how: str) -> list[str]:
    """Return what was looked for and not seen, or could not be seen as nothing measured it."""
    return [
        each["looks_for"]
        for each in explanation.looked_for
        if not each["seen"] and each["measured"] is (how == "not seen")
    ]

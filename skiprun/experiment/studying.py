"""A study from names to a document: what it needs is prepared, what it finds is written beside the run.

A document is plain data, so that it can be read, drawn and compared without torch. Rows of a long study are kept while
they come, in `studies/<study>.partial.jsonl`; the same command continues after the last of them.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_type_hints

import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

import skiprun
from skiprun.errors import InputError, OptionError, did_you_mean
from skiprun.experiment.material import Look, Material
from skiprun.experiment.parts import Loading
from skiprun.experiment.subjects import Subject
from skiprun.registry import STUDIES, Entry
from skiprun.storage import make_folder, plain_words, write_json, write_text
from skiprun.studies import needs, options

Document = dict[str, Any]
Report = Callable[[dict[str, Any], int], None]
ProgressFor = Callable[[str], Report]


def study(
    name: str,
    subjects: Sequence[Subject],
    look: Look | None = None,
    chosen: Mapping[str, Any] | None = None,
    progress_for: ProgressFor = lambda label: lambda row, total: None,
    loading: Loading | None = None,
    fresh: bool = False,
) -> list[Document]:
    """Study each subject, or two beside each other if the study compares; write what is found beside each run.

    Args:
        name: of the registry of studies.
        subjects: what to study; a study of its own networks takes none.
        look: how much of the data.
        chosen: options of the study; a missing one has its default.
        progress_for: gives somebody to tell of each row, by the label of the subject.
        loading: told of (done, total, what) while data is prepared.
        fresh: forget the rows that an earlier try left.

    Raises:
        UnknownName: there is no such study.
        OptionError: an option that it does not have, or a value that it does not take.
    """
    entry, look = STUDIES[name], look or Look()
    given = checked(entry, chosen or {})
    documents = []
    for together in _grouped(entry, subjects):
        materials = [Material(subject, look, loading) for subject in together]
        label = " and ".join(material.subject.label for material in materials) or name
        identity = {"study": name, "skiprun": skiprun.__version__, "options": printable(given), "look": asdict(look)}
        documents.append(_examine(entry, label, materials, given, identity, progress_for(label), fresh))
    return documents


def _grouped(entry: Entry[Any], subjects: Sequence[Subject]) -> list[Sequence[Subject]]:
    """Return the subjects as they are studied: none, each alone, or two together."""
    needed = needs(entry.thing)
    if not needed:
        return [[]]
    if "other" not in needed:
        return [[subject] for subject in subjects]
    if len(subjects) != 2:
        raise InputError(f"'{entry.name}' compares two networks; found {len(subjects)}.")
    return [subjects]


def _examine(
    entry: Entry[Any],
    label: str,
    materials: Sequence[Material],
    given: dict[str, Any],
    identity: Document,
    report: Report,
    fresh: bool,
) -> Document:
    """Run a study once, and write its document if there is a run to write it to."""
    started = time.monotonic()
    folder = materials[0].subject.runs[0].studies if materials and materials[0].subject.runs else None
    stem = "-".join([entry.name, *(material.subject.label for material in materials[1:])]).replace(" ", "-")
    vocabulary = prepare_needs(entry, materials)
    identity |= {"subjects": [material.about for material in materials], "fingerprint": fingerprint(vocabulary)}
    document_file = folder / f"{stem}.json" if folder else None
    taken = set(inspect.signature(entry.thing).parameters)
    with keeping(document_file if "known" in taken else None, identity, fresh) as (known, keep):

        def tell(row: dict[str, Any], total: int) -> None:
            keep(row)
            report(row, total)

        ours = {key: value for key, value in (("known", known), ("report", tell)) if key in taken}
        result = entry.thing(*vocabulary.values(), **given, **ours)
        document = identity | {
            "label": label,
            "paper": entry.facts.get("paper"),
            "run": str(materials[0].subject.runs[0].path) if folder else None,
            "torch": str(torch.__version__),
            "threads": torch.get_num_threads(),
            "seconds": round(time.monotonic() - started, 1),
            "verdict": result.verdict,
            "facts": result.facts,
            "figures": [asdict(figure) for figure in entry.facts.get("figures", ())],
            "rows": result.rows,
        }
        if document_file:
            make_folder(document_file.parent)
            write_json(document_file, document)
    return document


def prepare_needs(entry: Entry[Any], materials: Sequence[Material]) -> dict[str, Any]:
    """Return what a study takes by position."""
    return {word: materials[1].model if word == "other" else getattr(materials[0], word) for word in needs(entry.thing)}


def checked(entry: Entry[Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a study, converted to their types, with all defaults.

    Raises:
        OptionError: an option that it does not have, or a value that it does not take.
    """
    known, hints = options(entry.thing), get_type_hints(entry.thing)
    values = dict(known)
    for key, value in chosen.items():
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise OptionError(key, f"'{entry.name}' has no such option.{did_you_mean(key, known)} It has: {allowed}")
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            raise OptionError(key, f"found {value!r}; {error.errors()[0]['msg'].lower()}") from None
    return values


def printable(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as a document holds them; how many processes share the work is none of its business."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if key != "workers"}


def fingerprint(vocabulary: Mapping[str, Any]) -> str:
    """Return a digest of the network under study, so that rows of other weights are never taken over."""
    digest = blake2b(digest_size=8)
    for word in ("model", "other"):
        if isinstance(network := vocabulary.get(word), nn.Module):
            for tensor in network.state_dict().values():
                digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def keeping(
    file: Path | None, identity: Document, fresh: bool
) -> Iterator[tuple[list[dict[str, Any]], Callable[[dict[str, Any]], None]]]:
    """Give the rows that an earlier try left, and a way to keep new ones until the study is done."""
    if file is None:
        yield [], lambda row: None
        return
    partial = file.with_suffix(".partial.jsonl")
    known = [] if fresh else left_over(file, partial, identity)
    make_folder(file.parent)
    write_text(partial, "".join(json.dumps(line) + "\n" for line in (identity, *known)))
    with plain_words("write", partial):
        lines = partial.open("a", encoding="utf-8")

    def keep(row: dict[str, Any]) -> None:
        with plain_words("write", partial):
            lines.write(json.dumps(row) + "\n")
            lines.flush()

    with lines:
        yield known, keep
    partial.unlink(missing_ok=True)


def left_over(file: Path, partial: Path, identity: Document) -> list[dict[str, Any]]:
    """Return the rows of an earlier try of exactly this study, finished or not; a line cut short is left out."""
    known = json.loads(json.dumps(identity))
    with suppress(OSError, ValueError):
        document = json.loads(file.read_text(encoding="utf-8"))
        if {key: document.get(key) for key in known} == known:
            rows: list[dict[str, Any]] = document["rows"]
            return rows
    with suppress(OSError, ValueError):
        first, *lines = partial.read_text(encoding="utf-8").split("\n")[:-1]
        if json.loads(first) == known:
            return [json.loads(line) for line in lines]
    return []

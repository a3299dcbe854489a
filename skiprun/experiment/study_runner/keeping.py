"""Save a study's results: rows as they come, and the document at the end.

Both begin with what they are: options, data and a digest of the weights. Rows of anything else are never
taken over, nor are damaged ones: the document carries a checksum, and so does each line of rows, in front.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import cast

from skiprun.errors import StorageError
from skiprun.results.study_documents import Document, Row, StudyIdentity
from skiprun.system.disk import is_writable, storage_errors
from skiprun.system.documents import read_document
from skiprun.system.files import make_folder, write_text
from skiprun.system.ordinary_files import open_to_append, read_bytes

log = logging.getLogger(__name__)

PARTIAL = ".partial.jsonl"


def finished(file: Path, identity: StudyIdentity) -> Document | None:
    """Return the document of exactly this study, if it is there; a damaged one is told."""
    if not file.exists():
        return None
    try:
        document = read_document(file, dict[str, object], "the study is done again")
    except StorageError as error:
        log.warning(str(error))
        return None
    same = {key: document.get(key) for key in identity} == json.loads(json.dumps(identity))
    return cast(Document, document) if same else None


def forget_rows(file: Path) -> None:
    """Delete what earlier tries left."""
    for path in (file, file.with_suffix(PARTIAL)):
        with storage_errors("delete", path):
            path.unlink(missing_ok=True)


@contextmanager
def keeping(file: Path | None, identity: StudyIdentity) -> Iterator[tuple[list[Row], Callable[[Row], None]]]:
    """Give the rows that an earlier try left, and a way to keep new ones until the study is done."""
    if file is None:
        yield [], lambda _: None
        return
    partial = file.with_suffix(PARTIAL)
    known = left_over(partial, identity)
    lines = RowFile(partial, [identity, *known])
    yield known, lines.append
    with suppress(OSError):
        partial.unlink(missing_ok=True)


class RowFile:
    """A file that grows by a line a row; if the disk refuses one, that is told, and the study goes on."""

    def __init__(self, file: Path, first: Iterable[Mapping[str, object]]) -> None:
        self.file, self.works = file, False
        with warn_instead():
            make_folder(file.parent)
            write_text(file, "".join(map(_sealed_line, first)))
            self.works = True

    def append(self, row: Row) -> None:
        """Write one row, unless an earlier one could not be."""
        if not self.works:
            return
        self.works = False
        with warn_instead(), storage_errors("write", self.file):
            with open_to_append(self.file) as lines:
                lines.write(_sealed_line(row).encode())
            self.works = True


@contextmanager
def warn_instead() -> Iterator[None]:
    """Turn a failed write within into a warning, so that results are still shown."""
    try:
        yield
    except StorageError as error:
        log.warning(f"{error} What is found is shown all the same, and not kept.")


def folder_for(run: Path, spare: Path | None) -> Path | None:
    """Return where the studies of a run are kept: beside it, or in a spare folder, or nowhere."""
    beside = run / "studies"
    if is_writable(beside, below=run.parent.parent):
        return beside
    return spare if spare and is_writable(spare, below=spare.parent.parent) else None


def warn_of_folder(run: Path, folder: Path | None) -> None:
    """Log where the studies of a run are kept, if that is not beside it."""
    if folder is None:
        log.warning(
            f"{run} cannot be written to: what is found is shown, not kept. To keep it, "
            "name a folder with --runs."
        )
    elif folder.parent != run:
        log.warning(f"{run} cannot be written to; what is found is kept in {folder}.")


def left_over(partial: Path, identity: StudyIdentity) -> list[Row]:
    """Return the rows that an interrupted try of exactly this study left, up to the first damaged one."""
    known: list[Row] = []
    with suppress(OSError, ValueError):
        first, *lines = read_bytes(partial).decode().split("\n")[:-1]
        if _content(first) == json.loads(json.dumps(identity)):
            known.extend(map(_content, lines))
    return known


def _sealed_line(content: Mapping[str, object]) -> str:
    """Return a line of a row file: the checksum of a JSON text, and the text."""
    text = json.dumps(content)
    return f"{_text_sum(text)} {text}\n"


def _content(line: str) -> Row:
    """Return what a line holds; raise ValueError for one that is not as it was written."""
    found, _, text = line.partition(" ")
    if found != _text_sum(text):
        raise ValueError
    row: Row = json.loads(text)
    return row


def _text_sum(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()

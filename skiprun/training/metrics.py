"""The log of a run: metrics.jsonl is the source; TensorBoard is a view that can be rebuilt from it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Protocol

from skiprun.errors import StorageError
from skiprun.system.disk import storage_errors
from skiprun.system.documents import Row, read_row
from skiprun.system.files import json_safe
from skiprun.system.ordinary_files import open_to_append
from skiprun.system.progress import Record
from skiprun.training.state import LogPosition


def tagged(split: str, scores: Mapping[str, float], **other: str) -> Record:
    """Return scores by their tags, as 'val/loss'; some under another name."""
    return {f"{split}/{other.get(name, name)}": value for name, value in scores.items()}


class View(Protocol):
    """Something that shows records."""

    def add(self, record: Row) -> None:
        """Show one record."""

    def close(self) -> None:
        """Finish what is being shown."""


class MetricsLog:
    """Appends records to metrics.jsonl, from where the checkpoint left it, and shows them in the views."""

    def __init__(self, path: Path, keep_bytes: int, views: list[View]) -> None:
        self.path, self.views, self.damaged, self.sum = path, views, list[int](), sha256()
        with storage_errors("write", path):
            self.file = open_to_append(path)
            length = self.file.seek(0, os.SEEK_END)
            self.file.truncate(min(keep_bytes, length))
            self.file.seek(0)
            whole = sum(map(self._read_line, enumerate(self.file, 1)))
            self.file.truncate(whole)  # an unended line would swallow the next one
        self.too_short = length < keep_bytes

    def _read_line(self, numbered: tuple[int, bytes]) -> int:
        """Check and show one line of the file, and return its length; 0 for one without an end."""
        number, line = numbered
        if not line.endswith(b"\n"):
            return 0
        self.sum.update(line)
        if record := read_row(line):
            self._show(record)
        else:
            self.damaged.append(number)
        return len(line)

    def problems(self, written: str | None) -> list[str]:
        """Return what is wrong with the records so far, for people; `written` is their SHA-256 when saved."""
        found = [f"{self.path}:{number}: damaged; this record is left out." for number in self.damaged]
        if self.too_short:
            found.append(
                f"{self.path}: shorter than when the checkpoint was saved; its last records are lost."
            )
        if not found and written not in (None, self.sum.hexdigest()):
            found = [
                f"{self.path}: changed since the checkpoint was saved; its numbers are not those of this run."
            ]
        return found

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what cannot be written any more must not hide the error that ends the run."""
        with contextlib.suppress(StorageError) if error else contextlib.nullcontext():
            self.close()

    def append(self, record: Record) -> None:
        """Write one record; values that are not finite become null, as JSON has no word for them."""
        line = json.dumps(json_safe(record), allow_nan=False).encode() + b"\n"
        with storage_errors("write", self.path):
            self.file.write(line)
        self.sum.update(line)
        self._show(record)

    def _show(self, record: Row) -> None:
        with storage_errors("show records in", self.path.parent):
            for view in self.views:
                view.add(record)

    def sync(self) -> LogPosition:
        """Flush to the disk and return length and SHA-256 of it, which the checkpoint remembers."""
        with storage_errors("write", self.path):
            self.file.flush()
            os.fsync(self.file.fileno())
            return {"metrics_bytes": self.file.seek(0, os.SEEK_END), "metrics_sum": self.sum.hexdigest()}

    def close(self) -> None:
        """Flush and close the file and the views."""
        with storage_errors("write", self.path):
            self.file.close()
            for view in self.views:
                view.close()


class NullLog(MetricsLog):
    """The log of a run that another rank writes."""

    def __init__(self) -> None:
        self.sum = sha256()

    def problems(self, written: str | None) -> list[str]:  # noqa: ARG002
        """Return nothing: the other rank says it."""
        return []

    def append(self, record: Record) -> None:
        """Write nothing."""

    def sync(self) -> LogPosition:
        """Return nothing."""
        return {}

    def close(self) -> None:
        """Close nothing."""

"""The log of a run: metrics.jsonl is the truth, TensorBoard is a view of it that can be rebuilt."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

from skiprun.storage import json_safe, plain_words

Record = dict[str, Any]


class View(Protocol):
    """Something that shows records."""

    def add(self, record: Record) -> None:
        """Show one record."""

    def close(self) -> None:
        """Finish what is being shown."""


class MetricsLog:
    """Appends records to metrics.jsonl, from where the checkpoint left it, and shows them in the views."""

    def __init__(self, path: Path, keep_bytes: int, views: list[View]) -> None:
        self.path, self.views = path, views
        with plain_words("write", path):
            self.file = path.open("a+b")
            self.file.truncate(min(keep_bytes, self.file.seek(0, os.SEEK_END)))
            self.file.seek(0)
            for line in self.file.read().splitlines():
                self._show(json.loads(line))

    def append(self, record: Record) -> None:
        """Write one record; values that are not finite become null, as JSON has no word for them."""
        line = json.dumps(json_safe(record), allow_nan=False) + "\n"
        with plain_words("write", self.path):
            self.file.write(line.encode())
        self._show(record)

    def _show(self, record: Record) -> None:
        for view in self.views:
            view.add(record)

    def sync(self) -> int:
        """Flush to the disk and return the length in bytes, which the checkpoint remembers."""
        with plain_words("write", self.path):
            self.file.flush()
            os.fsync(self.file.fileno())
            return self.file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Flush and close the file and the views."""
        with plain_words("write", self.path):
            self.file.close()
        for view in self.views:
            view.close()

"""The notebooks of the lessons, that come with the package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "notebooks"


@dataclass(frozen=True)
class Lesson:
    """A notebook.

    Attributes:
        number: of the lesson, from 1.
        file: where it lies in the package.
    """

    number: int
    file: Path

    @property
    def title(self) -> str:
        """What its first line says, without the number."""
        _, text = next(self._cells())
        return text.splitlines()[0].partition(": ")[2]

    @property
    def exercises(self) -> int:
        """How many exercises it has."""
        return sum(text.startswith("check(") for _, text in self._cells())

    def script(self) -> str:
        """Return it as a Python script in parts, as VS Code and Spyder run them, and plain Python too."""
        return "\n".join(_as_part(kind, text) for kind, text in self._cells())

    def _cells(self) -> Iterator[tuple[str, str]]:
        """Yield the kind of each cell, code or markdown, and its text."""
        for cell in json.loads(self.file.read_text(encoding="utf-8"))["cells"]:
            yield cell["cell_type"], "".join(cell["source"])


def lessons() -> list[Lesson]:
    """Return the lessons in their order."""
    files = sorted(FOLDER.glob("*.ipynb"))
    return [Lesson(int(file.stem.partition("_")[0]), file) for file in files]


def _as_part(kind: str, text: str) -> str:
    """Return a cell as a part of a script."""
    if kind == "code":
        return f"# %%\n{text}\n"
    return "# %% [markdown]\n" + "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())

"""The notebooks of the lessons and their solutions, that come with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
        return _text(self.notebook()["cells"][0]).splitlines()[0].partition(": ")[2]

    @property
    def exercises(self) -> int:
        """How many exercises it has."""
        return sum(_text(cell).startswith("check(") for cell in self.notebook()["cells"])

    @property
    def solutions(self) -> dict[str, str]:
        """The cells that solve it, by exercise."""
        parts = (FOLDER / "solutions" / f"{self.file.stem}.txt").read_text(encoding="utf-8").split("# %% ")
        found = (part.partition("\n") for part in parts[1:])
        return {number: text.strip() for number, _, text in found}

    def notebook(self, solved: bool = False) -> dict[str, Any]:
        """Return it as the format of notebooks has it, with its solutions in the empty cells or without."""
        notebook: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        for number, text in self.solutions.items() if solved else ():
            place = f"exercise-{number.replace('.', '-')}"
            next(cell for cell in notebook["cells"] if cell["id"] == place)["source"] = text
        return notebook

    def script(self, solved: bool = False) -> str:
        """Return it as a Python script in parts, as VS Code and Spyder run them, and plain Python too.

        It trains one run at a time: processes that train would run it once more, and its parts have no guard.
        """
        cells = self.notebook(solved)["cells"]
        parts = (_as_part(cell["cell_type"], _text(cell)) for cell in cells)
        return "\n".join(parts).replace("progress=True", "progress=True, jobs=1")


def lessons() -> list[Lesson]:
    """Return the lessons in their order."""
    files = sorted(FOLDER.glob("*.ipynb"))
    return [Lesson(int(file.stem.partition("_")[0]), file) for file in files]


def _text(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _as_part(kind: str, text: str) -> str:
    """Return a cell as a part of a script."""
    if kind == "code":
        return f"# %%\n{text}\n"
    return "# %% [markdown]\n" + "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())

"""Count the files of a dataset folder that are not read, and report them in one line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from skiprun.data.notices import notice
from skiprun.errors import some

SHOWN = 6


@dataclass
class Unused:
    """What is passed over below a folder, by reason.

    Attributes:
        endings: of files that are no images by their names.
        hidden: files and folders whose name begins with a dot.
        links: linked folders where links are not followed.
        beside: names of what lies beside the splits.
    """

    endings: Counter[str] = field(default_factory=Counter)
    hidden: int = 0
    links: int = 0
    beside: list[str] = field(default_factory=list)

    def tell(self, root: Path) -> None:
        """Log what is not read, if there is anything."""
        if reasons := list(self.reasons()):
            notice(f"Not read in {root}: {'; '.join(reasons)}.")

    def reasons(self) -> list[str]:
        """Return what is not read, by reason."""
        kinds = [
            f"{number:,} {ending or 'without ending'}" for ending, number in self.endings.most_common(SHOWN)
        ]
        more = " ..." if len(self.endings) > SHOWN else ""
        found = [
            (self.endings, f"files of other kinds: {self.endings.total():,} ({', '.join(kinds)}{more})"),
            (self.links, f"links to folders below a class: {self.links:,}"),
            (self.hidden, f"hidden: {self.hidden:,}"),
            (self.beside, f"beside the splits: {some(self.beside, SHOWN)}"),
        ]
        return [reason for there, reason in found if there]

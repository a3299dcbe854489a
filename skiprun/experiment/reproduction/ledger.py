"""The folder of claims: the latest document of each, and the ledger, to which lines are only added."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import skiprun
from skiprun.claims.reproduction import Reproduction
from skiprun.experiment.environment import commit_of_code
from skiprun.reports.claims import read_claims, write_page
from skiprun.system.documents import write_sealed
from skiprun.system.files import json_safe, make_folder
from skiprun.system.machine import cores, processor
from skiprun.system.ordinary_files import open_to_append, open_to_read

WHEN = "date"


@dataclass(frozen=True)
class Ledger:
    """What is known of the claims, in a folder.

    Attributes:
        folder: holds a document a claim, ledger.jsonl and index.html.
    """

    folder: Path

    @property
    def file(self) -> Path:
        """A line for each new verdict: date, numbers, versions, machine."""
        return self.folder / "ledger.jsonl"

    def lines(self) -> Iterator[dict[str, object]]:
        """Yield the lines, oldest first; a damaged one is left out."""
        if not self.file.exists():
            return
        with open_to_read(self.file) as stream:
            for line in stream:
                try:
                    found = json.loads(line)
                except ValueError:
                    continue
                if isinstance(found, dict) and isinstance(found.get("claim"), str):
                    yield found

    def add(self, found: Sequence[Reproduction]) -> Path:
        """Keep verdicts: a line for each that is not what was said of its claim last; return the page."""
        last = {line["claim"]: _undated(line) for line in self.lines()}
        entries = [entry(each) for each in found]
        news = [each for each in entries if _undated(each) != last.get(each["claim"])]
        make_folder(self.folder)
        if news:
            with open_to_append(self.file) as stream:
                stream.write("".join(json.dumps(each) + "\n" for each in news).encode())
        for each, said in zip(found, entries, strict=True):
            write_sealed(self.folder / f"{each.claim}.json", {**each.to_dict(), "judged": said})
        return write_page(read_claims(self.folder), self.folder)


def entry(found: Reproduction) -> dict[str, object]:
    """Return what the ledger says of a verdict."""
    quantities = [
        [each.name, each.value, *each.interval(), each.expected.words] for each in found.outcome.quantities
    ]
    return {
        WHEN: time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "claim": found.claim,
        "verdict": found.outcome.verdict,
        "control": found.control.verdict,
        "seeds": found.outcome.seeds,
        "quantities": json_safe(quantities),
        "skiprun": skiprun.__version__,
        "commit": commit_of_code(),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "machine": f"{processor()} ({torch.backends.cpu.get_cpu_capability()}), {len(cores())} cores",
    }


def _undated(line: Mapping[str, object]) -> dict[str, object]:
    """Return a line without its date, as it is read."""
    plain: dict[str, object] = json.loads(json.dumps(line))
    return {key: value for key, value in plain.items() if key != WHEN}

"""What a measurement found: numbers by seed, of finished runs and of the documents of studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from skiprun.claims.measurement import Measurement
from skiprun.results.groups import Group
from skiprun.results.records import RunRecord
from skiprun.results.study_documents import Document, Row


@dataclass(frozen=True)
class Measured:
    """What was found of each network, by the part that it plays.

    Attributes:
        measurement: what was done.
        runs: the runs of each network that was trained, diverged ones included.
        documents: what the study found of each network, by seed; of its own networks under the part "".
    """

    measurement: Measurement
    runs: Mapping[str, Sequence[RunRecord]] = field(default_factory=dict)
    documents: Mapping[str, Mapping[int, Document]] = field(default_factory=dict)

    def score(self, key: str, part: str) -> dict[int, float]:
        """Return a number of the summaries by seed, such as final.train.loss, where it is finite."""
        return self.group(part).by_seed(key) if self.finished(part) else {}

    def finished(self, part: str) -> list[RunRecord]:
        """Return the runs of a network that came to their end."""
        return [run for run in self.runs[part] if run.finished]

    def group(self, part: str) -> Group:
        """Return the finished runs of a network as a group."""
        return Group(part, tuple(self.finished(part)))

    def fact(self, name: str, part: str = "") -> dict[int, float]:
        """Return a fact of the study by seed."""
        return {seed: float(found["facts"][name]) for seed, found in self.documents[part].items()}

    def rows(self, part: str = "", **where: object) -> dict[int, list[Row]]:
        """Return the rows of the study by seed that have the values of the measurement and these."""
        wanted = {**self.measurement.where, **where}
        return {
            seed: [
                row for row in found["rows"] if all(row.get(key) == value for key, value in wanted.items())
            ]
            for seed, found in self.documents[part].items()
        }

    def column(self, name: str, part: str = "", **where: object) -> dict[int, float]:
        """Return one column of the one row that has these values, by seed.

        Raises:
            ValueError: the rows of a seed that have them are none or several.
        """
        values = {}
        for seed, rows in self.rows(part, **where).items():
            if len(rows) != 1:
                raise ValueError(f"{len(rows)} rows of {self.measurement.study} are {where}; one was meant")
            values[seed] = float(rows[0][name])
        return values

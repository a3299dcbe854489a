"""Open the data of a run again, and check it by the recorded fingerprint, not by its path.

Other data is refused. Where it is asked for, it is seen as the run saw its own: labels are matched by the
names of the classes, and pixels are normalized by the run's mean and deviation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from skiprun.data import Loaders
from skiprun.errors import OtherData
from skiprun.experiment.data_place import recorded
from skiprun.experiment.data_record import data_differences
from skiprun.experiment.matching import as_trained_on
from skiprun.run import Run
from skiprun.system.logs import data_log as log


@dataclass(frozen=True)
class KnownData:
    """Compares data with what a run recorded of its own.

    Attributes:
        run: whose data it should be.
        other_data: use other data too, and say what differs.
        way_out: of a refusal.
    """

    run: Run
    other_data: bool = False
    way_out: str = "add --other-data to use this (other_data=True in Python)"

    def __call__(self, loaders: Loaders) -> Loaders:
        """Return data as the run sees it.

        Raises:
            OtherData: it is not the run's, and that was not asked for.
            InputError: it has a class that the run does not know, or images of another number of channels.
        """
        record = recorded(self.run)
        if "fingerprint" not in record:
            log.info(
                f"{self.run.name}: an older run, which recorded no fingerprint; "
                "its data could not be compared."
            )
            return loaders
        if record["fingerprint"] == loaders.fingerprint:
            return loaders
        if loaders.legacy_split and (earlier := loaders.legacy_split()).fingerprint == record["fingerprint"]:
            log.info(
                f"{self.run.name}: split by an earlier version, which drew tiles for validation, not images. "
                "That split is used: its val shares images with train; test is what it would be now."
            )
            return replace(earlier, conversion=loaders.conversion)
        found = data_differences(record, loaders)
        if not self.other_data:
            raise OtherData(self.run.path, found, record.get("root"), self.way_out)
        log.info(f"{self.run.name}: other data than it was trained on: {'; '.join(found)}.")
        return as_trained_on(record, loaders)

"""A run directory as an object: opened or created, locked, and refused to another experiment."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import yaml

from skiprun.config import RunConfig
from skiprun.errors import InputError, RunLengthened, RunTaken, StorageError
from skiprun.run.differences import differences
from skiprun.run.files import RunFiles
from skiprun.run.places import directories_below, directories_in, nearest_run
from skiprun.system.files import delete_folder, make_folder, remove_leftovers, write_text
from skiprun.system.ordinary_files import refuse_foreign_links
from skiprun.system.shown import Shown, columns_of


class Run(RunFiles, Shown):
    """One run directory, opened or created."""

    def columns(self) -> dict[str, list[float]]:
        """Return the log as columns, such as `step`, `epoch`, `train/loss`; NaN where a row has nothing."""
        return columns_of(self.metrics(), math.nan)

    @classmethod
    def of(cls, root: Path, config: RunConfig) -> Run:
        """Return the run of a config, which need not exist."""
        return cls(root / config.name / f"seed-{config.seed}")

    @classmethod
    def create(cls, root: Path, config: RunConfig) -> Run:
        """Open the directory of a config, made if it is not there; refuse one that holds another experiment.

        Call it with the run locked: it takes away what a killed process left half-written.

        Raises:
            RunTaken: the directory's config differs, and where.
        """
        run = cls.of(root, config)
        run.refuse_another(config)
        for folder in (run.path, run.checkpoints, run.studies):
            make_folder(folder)
        remove_leftovers(run.path)
        if not run.config_file.exists():
            write_text(run.config_file, yaml.safe_dump(config.to_dict(), sort_keys=False))
        return run

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run by its directory; a name's directory with one seed inside will do.

        Raises:
            InputError: there is no run.
        """
        found = directories_in(Path(path))
        if len(found) == 1:
            return cls(found[0])
        if found:
            raise InputError(f"{path} holds {len(found)} seeds; name one, such as {found[0]}.")
        near = nearest_run(Path(path)) or " `skiprun runs` lists what is there."
        raise InputError(f"{path} is no run directory: it has no config.yaml.{near}")

    def refuse_another(self, config: RunConfig, way_out: str | None = None) -> None:
        """Raise RunTaken if the directory holds another experiment than a config's; change nothing."""
        if self.config_file.exists() and (changed := differences(self.recorded, config)):
            self._refuse_shorter(config)
            raise RunTaken(self.path, changed, way_out)

    def _refuse_shorter(self, config: RunConfig) -> None:
        """Raise RunLengthened if the directory holds a config's experiment, made longer since."""
        schedule = config.to_dict()["schedule"]
        if differences(self.recorded.replace(schedule=schedule), config):
            return
        with contextlib.suppress(StorageError):
            for entry in self.lengthenings():
                if entry["lengthened"].get("schedule") == schedule:
                    length = [each.schedule.length for each in (config, self.recorded)]
                    unit = "epochs" if config.schedule.epochs else "steps"
                    when = str(entry.get("time", ""))[:10]
                    change = f"{length[0]:g} -> {length[1]:g} {unit}"
                    change += ", without schedule.patience" if config.schedule.patience else ""
                    raise RunLengthened(self.path, change, when, self.state)

    def clear(self) -> None:
        """Delete the directory, to start over."""
        delete_folder(self.path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[str]:
        """Hold the directory for one process, see `RunLock.hold`."""
        make_folder(self.path.parent)
        for folder in (self.checkpoints, self.studies, self.overlays):
            refuse_foreign_links(folder, below=self.root)
        with self.guard.hold() as notice:
            yield notice

    @property
    def owner(self) -> str:
        """Who holds the directory, as far as it says so."""
        return self.guard.owner

    def is_locked(self) -> bool:
        """Tell whether a process is training this run now, changing nothing."""
        return self.guard.is_held()


def runs_in(folder: Path) -> list[Run]:
    """Return the run that a folder is, or all seeds of one that it holds."""
    return [Run(each) for each in directories_in(folder)]


def find_runs(root: Path) -> list[Run]:
    """Return every run below a folder, by name; a name that could steer a terminal is nobody's run."""
    return [Run(each) for each in directories_below(root)]

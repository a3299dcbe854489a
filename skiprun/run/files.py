"""What the files of a run directory say, and what is written into them."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config_file import refuse_contradictions
from skiprun.errors import ConfigError, InputError, StorageError, first_line
from skiprun.legacy import CONNECTIONS, connection_of_today
from skiprun.run.differences import changes_since, recorded_config
from skiprun.run.documents import Environment, Session, State, Status, Summary
from skiprun.run.lock import RunLock
from skiprun.run.paths import RunPaths
from skiprun.system.disk import storage_errors
from skiprun.system.documents import Row, read_document, read_rows, write_sealed
from skiprun.system.files import write_json
from skiprun.system.ordinary_files import open_to_read
from skiprun.system.yaml_file import read_yaml


class RunFiles(RunPaths):
    """The files of one run directory: what they say, and what is written into them."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.guard = RunLock(path)

    @property
    def config(self) -> RunConfig:
        """The config that the run was created with, of which a network can be built and trained.

        Raises:
            InputError: the run is finished, and config.yaml says another experiment since.
        """
        config = self.recorded
        refuse_contradictions(config)
        if self.summary_file.exists() and (changed := changes_since(self.summary(), config)):
            raise InputError(
                f"{self.config_file} was changed since the run finished ({', '.join(changed)}); "
                "put it back, or train another run with it."
            )
        return config

    @property
    def recorded(self) -> RunConfig:
        """The config that the run was created with, to be shown and compared: rules may be stricter now."""
        return recorded_config(read_yaml(self.config_file, by_program=True)[0], source=str(self.config_file))

    @property
    def state(self) -> State:
        """What became of the run, as far as the directory tells."""
        if self.summary_file.exists():
            return "finished"
        if self.guard.is_held():
            return "running"
        state = self._status()["state"]
        return "unfinished" if state == "finished" else state  # the summary alone says that it is

    @property
    def message(self) -> str:
        """Why the latest session ended before the run was done."""
        return first_line(self._status().get("message", ""))

    def _status(self) -> Status:
        way_out = "delete it; only the word on how the latest session ended is lost"
        written = self.status_file.exists()
        return read_document(self.status_file, Status, way_out) if written else {"state": "unfinished"}

    def summary(self) -> Summary:
        """Return the numbers of a finished run.

        Raises:
            InputError: the run is not finished.
            StorageError: summary.json is damaged.
        """
        if not self.summary_file.exists():
            raise InputError(f"Run {self.path} is {self.state}, not finished; train it first.")
        way_out = (
            f"delete it, and `skiprun resume {self.path}` scores the test split again and writes it anew"
        )
        summary = read_document(self.summary_file, Summary, way_out)
        if (connection := summary["model"].get("connection")) in CONNECTIONS:
            summary["model"]["connection"] = self._connection_of_today(connection, summary["model"]["name"])
        return summary

    def _connection_of_today(self, connection: str, network: str) -> str:
        """Return today's name of the connection that a summary names; configs of today have today's names."""
        with contextlib.suppress(ConfigError, StorageError):
            recorded = read_yaml(self.config_file, by_program=True)[0]
            options = (recorded.get("model") or {}).get("connection_options")
            return connection if "compute" in recorded else connection_of_today(connection, network, options)
        return connection_of_today(connection, network)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of metrics.jsonl, one in memory at a time; cut or damaged ones are left out."""
        if self.metrics_file.exists():
            with storage_errors("read", self.metrics_file), open_to_read(self.metrics_file) as lines:
                yield from (row for _, row in read_rows(lines) if row is not None)

    def metrics(self) -> list[Row]:
        """Return all rows of metrics.jsonl."""
        return list(self.rows())

    def sessions(self) -> list[Session]:
        """Return what environment.json says of each session that trained the run, oldest first."""
        if not self.environment_file.exists():
            return []
        way_out = "delete it; only the record of earlier sessions is lost"
        return read_document(self.environment_file, Environment, way_out)["sessions"]

    def lengthenings(self) -> list[Session]:
        """Return what environment.json says of each time that the run was made longer, oldest first."""
        return [session for session in self.sessions() if "lengthened" in session]

    def record_environment(self, environment: Session) -> None:
        """Add a session to environment.json."""
        write_json(self.environment_file, {"sessions": [*self.sessions(), environment]})

    def amend_session(self, facts: Session) -> None:
        """Add facts to the latest session of environment.json, or replace them."""
        earlier, latest = self.sessions()[:-1], self.sessions()[-1]
        write_json(self.environment_file, {"sessions": [*earlier, {**latest, **facts}]})

    def record_status(self, state: State, step: int, message: str = "") -> None:
        """Write how the session ended."""
        write_json(self.status_file, {"state": state, "step": step, "message": first_line(message)})

    def metrics_sum(self) -> str:
        """Return the SHA-256 of metrics.jsonl."""
        with storage_errors("read", self.metrics_file), open_to_read(self.metrics_file) as log:
            digest = hashlib.sha256()
            for block in log:
                digest.update(block)
        return digest.hexdigest()

    def finish(self, summary: Summary) -> None:
        """Write summary.json, last of all: the run is done."""
        self.record_status("finished", summary["steps"])
        write_sealed(self.summary_file, summary)

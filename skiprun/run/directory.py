"""A run directory as an object: its files, state, lock and summary.

runs/<name>/seed-<s>/
    config.yaml        the whole config, every default filled in
    environment.json   versions, device, command and commit of every session that trained it
    metrics.jsonl      the truth: one JSON object a line
    events.out.*       TensorBoard's view of it
    checkpoints/       last.pt, previous.pt, best.pt
    studies/           what instruments found
    overlays/          what a network for masks saw, as epochs ended
    status.json        how the latest session ended
    summary.json       written last: its presence means the run is done
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from skiprun.config import Role, RunConfig, role_of
from skiprun.config_file import complete_config, refuse_contradictions
from skiprun.errors import ConfigError, InputError, RunBusy, RunLengthened, RunTaken, StorageError, did_you_mean
from skiprun.legacy import CONNECTIONS, config_of_today, connection_of_today
from skiprun.run.documents import Environment, Session, State, Status, Summary
from skiprun.system.disk import plain_words
from skiprun.system.documents import Row, read_document, read_rows, write_sealed
from skiprun.system.files import delete_folder, make_folder, remove_leftovers, write_json, write_text
from skiprun.system.locks import acquire, is_held
from skiprun.system.ordinary_files import open_to_read, refuse_foreign_links
from skiprun.system.yaml_file import read_yaml

RUNS = Path("runs")


def runs_folder() -> Path:
    """Return the folder of all runs: $SKIPRUN_RUNS, or runs/ in the working folder."""
    return Path(os.environ.get("SKIPRUN_RUNS") or "runs").expanduser()


def run_folder(name: Path | str, root: Path) -> Path:
    """Return the folder that the directory or the name of a run means; one that holds no run hides none in `root`."""
    here, there = Path(name).expanduser(), root.expanduser() / name
    return there if not here.exists() or (runs_in(there) and not runs_in(here)) else here


def runs_in(folder: Path) -> list[Run]:
    """Return the run that a folder is, or all seeds of one that it holds."""
    if (folder / "config.yaml").exists():
        return [Run(folder)]
    return [Run(file.parent) for file in sorted(folder.glob("seed-*/config.yaml"))]


def nearest_run(path: Path) -> str:
    """Return ' Did you mean ...?' with the run whose place or name comes nearest to a path, or nothing."""
    root = path.parent.parent if path.name.startswith("seed-") else path.parent
    wanted, there = path.relative_to(root).as_posix(), find_runs(root)
    known = list(dict.fromkeys(run.name if "/" in wanted else run.path.parent.name for run in there))
    prefixed = [name for name in known if name.endswith(f"-{wanted}")]
    return f" Did you mean '{prefixed[0]}'?" if prefixed else did_you_mean(wanted, known)


class Run:
    """One run directory, opened or created."""

    @classmethod
    def of(cls, root: Path, config: RunConfig) -> Run:
        """Return the run of a config, which need not exist."""
        return cls(root / config.name / f"seed-{config.seed}")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.environment_file = path / "environment.json"
        self.metrics_file = path / "metrics.jsonl"
        self.status_file = path / "status.json"
        self.summary_file = path / "summary.json"
        self.checkpoints = path / "checkpoints"
        self.studies = path / "studies"
        self.overlays = path / "overlays"

    def __repr__(self) -> str:
        return f"Run('{self.path}')"

    @property
    def root(self) -> Path:
        """The folder of all runs."""
        return self.path.parent.parent

    @property
    def name(self) -> str:
        """Name and seed, as in 'resnet56_cifar/seed-0'."""
        return f"{self.path.parent.name}/{self.path.name}"

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
                    raise RunLengthened(self.path, f"{length[0]:g} -> {length[1]:g} {unit}", when, self.state)

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run by its directory; a name's directory with one seed inside will do.

        Raises:
            InputError: there is no run.
        """
        found = runs_in(Path(path))
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"{path} holds {len(found)} seeds; name one, such as {found[0].path}.")
        near = nearest_run(Path(path)) or " `skiprun runs` lists what is there."
        raise InputError(f"{path} is no run directory: it has no config.yaml.{near}")

    @property
    def config(self) -> RunConfig:
        """The config that the run was created with, of which a network can be built and trained."""
        config = self.recorded
        refuse_contradictions(config)
        return config

    @property
    def recorded(self) -> RunConfig:
        """The config that the run was created with, to be shown and compared: rules may be stricter now."""
        return recorded_config(read_yaml(self.config_file)[0], source=str(self.config_file))

    @property
    def state(self) -> State:
        """What became of the run, as far as the directory tells."""
        if self.summary_file.exists():
            return "finished"
        if self.is_locked():
            return "running"
        return self._status()["state"]

    @property
    def message(self) -> str:
        """Why the latest session ended before the run was done."""
        return str(self._status().get("message", ""))

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
        way_out = f"delete it, and `skiprun resume {self.path}` scores the test split again and writes it anew"
        summary = read_document(self.summary_file, Summary, way_out)
        if (connection := summary["model"].get("connection")) in CONNECTIONS:
            summary["model"]["connection"] = self._connection_of_today(connection, summary["model"]["name"])
        return summary

    def _connection_of_today(self, connection: str, network: str) -> str:
        """Return what the connection that a summary names is called now; a config of today has the words of today."""
        with contextlib.suppress(ConfigError, StorageError):
            recorded = read_yaml(self.config_file)[0]
            options = (recorded.get("model") or {}).get("connection_options")
            return connection if "compute" in recorded else connection_of_today(connection, network, options)
        return connection_of_today(connection, network)

    def rows(self) -> Iterator[Row]:
        """Yield the whole rows of metrics.jsonl, one in memory at a time; what is cut short or damaged is left out."""
        if self.metrics_file.exists():
            with plain_words("read", self.metrics_file), open_to_read(self.metrics_file) as lines:
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

    def record_status(self, state: State, step: int, message: str = "") -> None:
        """Write how the session ended."""
        write_json(self.status_file, {"state": state, "step": step, "message": message})

    def finish(self, summary: Summary) -> None:
        """Write summary.json, last of all: the run is done."""
        write_sealed(self.summary_file, summary)

    def clear(self) -> None:
        """Delete the directory, to start over."""
        delete_folder(self.path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[str]:
        """Hold the directory for one process; the kernel frees it however the process ends.

        Yields:
            what a person should know of the lock, mostly nothing.

        Raises:
            RunBusy: another process holds it.
        """
        from filelock import Timeout

        make_folder(self.path.parent)
        for folder in (self.checkpoints, self.studies, self.overlays):
            refuse_foreign_links(folder, below=self.root)
        with plain_words("lock", self._lock_file):
            try:
                lock, notice = acquire(self._lock_file)
            except Timeout:
                raise RunBusy(self.path, self.owner) from None
        try:
            with plain_words("write", self._owner_file):
                self._owner_file.unlink(missing_ok=True)
                with self._owner_file.open("x", encoding="utf-8") as file:  # through no link
                    file.write(f"process {os.getpid()} on {socket.gethostname()}")
            yield notice
        finally:
            with contextlib.suppress(OSError):
                self._owner_file.unlink(missing_ok=True)
            lock.release()

    @property
    def _lock_file(self) -> Path:
        """Beside the directory, so that it outlives a fresh start."""
        return self.path.parent / f".{self.path.name}.lock"

    @property
    def _owner_file(self) -> Path:
        return self._lock_file.with_suffix(".owner")

    @property
    def owner(self) -> str:
        """Who holds the directory, as far as it says so."""
        with contextlib.suppress(OSError, ValueError), open_to_read(self._owner_file) as file:
            return file.read(200).decode()
        return "another process"

    def is_locked(self) -> bool:
        """Tell whether a process is training this run now, changing nothing."""
        return is_held(self._lock_file)


def find_runs(root: Path) -> list[Run]:
    """Return every run below a folder, by name; a name that could steer a terminal is nobody's run."""
    return [Run(file.parent) for file in sorted(root.glob("*/seed-*/config.yaml")) if str(file).isprintable()]


def differences(old: RunConfig, new: RunConfig, also: Iterable[str] = ()) -> list[str]:
    """Return 'key: old -> new' for every key of the experiment that differs, and for some others."""
    before, after = flat(old.to_dict()), flat(new.to_dict())
    return [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and (role_of(key) is Role.EXPERIMENT or key in also)
    ]


def refuse_one_place(experiments: Iterable[tuple[str, RunConfig]]) -> None:
    """Raise InputError if two experiments that differ, each with what people call it, would be one run."""
    places: dict[tuple[str, int], tuple[str, RunConfig]] = {}
    for label, config in experiments:
        first, known = places.setdefault((config.name, config.seed), (label, config))
        if changed := differences(known, config, also=["data.root"]):
            keys = ", ".join(text.split(":")[0] for text in changed)
            raise InputError(
                f"{first} and {label} would both be the run {config.name}/seed-{config.seed}, though they differ in "
                f"{keys}. Give each a name of its own: none in --set or --name, another `name:` in each YAML file."
            )


def recorded_config(plain: dict[str, object], source: str = "config") -> RunConfig:
    """Return the config in a run's config.yaml or in its checkpoint, as the version that wrote it meant it, unjudged.

    Raises:
        ConfigError: with every problem.
    """
    return complete_config(config_of_today(plain), {}, source)


def flat(plain: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested data with dotted keys."""
    items: dict[str, object] = {}
    for key, value in plain.items():
        items |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return items

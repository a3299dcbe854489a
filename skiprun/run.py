"""A run directory as an object: its files, its state, its lock, its summary.

runs/<name>/seed-<s>/
    config.yaml        the whole config, every default filled in
    environment.json   versions, device, command and commit of every session that trained it
    metrics.jsonl      the truth: one JSON object a line
    events.out.*       TensorBoard's view of it
    checkpoints/       last.pt, previous.pt, best.pt
    studies/           what instruments found
    status.json        how the latest session ended
    summary.json       written last: its presence means the run is done
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from filelock import FileLock, Timeout

from skiprun.config import RunConfig
from skiprun.configfile import build_config, read_yaml
from skiprun.errors import InputError, RunBusy, RunTaken
from skiprun.storage import make_folder, plain_words, write_json, write_text

State = Literal["finished", "running", "stopped", "diverged", "failed", "unfinished"]
# Never part of the experiment: where it runs and what it is called.
NOT_THE_EXPERIMENT = ("name", "seed", "device", "threads")


class Run:
    """One run directory, opened or created."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.yaml"
        self.environment_file = path / "environment.json"
        self.metrics_file = path / "metrics.jsonl"
        self.status_file = path / "status.json"
        self.summary_file = path / "summary.json"
        self.checkpoints = path / "checkpoints"
        self.studies = path / "studies"

    def __repr__(self) -> str:
        return f"Run('{self.path}')"

    @property
    def name(self) -> str:
        """Name and seed, as in 'resnet56_cifar/seed-0'."""
        return f"{self.path.parent.name}/{self.path.name}"

    @classmethod
    def create(cls, root: Path, config: RunConfig) -> Run:
        """Open the directory of a config, made if it is not there; refuse one that holds another experiment.

        Raises:
            RunTaken: the directory's config differs, and where.
        """
        run = cls(root / config.name / f"seed-{config.seed}")
        if run.config_file.exists():
            if changed := differences(run.config, config):
                raise RunTaken(run.path, changed)
            return run
        for folder in (run.path, run.checkpoints, run.studies):
            make_folder(folder)
        write_text(run.config_file, yaml.safe_dump(config.plain(), sort_keys=False))
        return run

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Open an existing run by its directory; a name's directory with one seed inside will do.

        Raises:
            InputError: there is no run.
        """
        run = cls(Path(path))
        if run.config_file.exists():
            return run
        seeds = sorted(Path(path).glob("seed-*/config.yaml"))
        if len(seeds) == 1:
            return cls(seeds[0].parent)
        if seeds:
            raise InputError(f"{path} holds {len(seeds)} seeds; name one, such as {seeds[0].parent}.")
        raise InputError(f"{path} is no run directory: it has no config.yaml. `skiprun runs` lists what is there.")

    @property
    def config(self) -> RunConfig:
        """The config that the run was created with."""
        return build_config(read_yaml(self.config_file)[0], source=str(self.config_file))

    @property
    def state(self) -> State:
        """What became of the run, as far as the directory tells."""
        if self.summary_file.exists():
            return "finished"
        if self.is_locked():
            return "running"
        state: State = self._status().get("state", "unfinished")
        return state

    @property
    def message(self) -> str:
        """Why the latest session ended before the run was done."""
        return str(self._status().get("message", ""))

    def _status(self) -> dict[str, Any]:
        return _read_json(self.status_file) if self.status_file.exists() else {}

    def summary(self) -> dict[str, Any]:
        """Return the numbers of a finished run.

        Raises:
            InputError: the run is not finished.
        """
        if not self.summary_file.exists():
            raise InputError(f"Run {self.path} is {self.state}, not finished; train it first.")
        return _read_json(self.summary_file)

    def metrics(self) -> list[dict[str, Any]]:
        """Return the complete lines of metrics.jsonl; a line that a kill cut short is left out."""
        if not self.metrics_file.exists():
            return []
        lines = self.metrics_file.read_text(encoding="utf-8").split("\n")[:-1]
        return [json.loads(line) for line in lines]

    def record_environment(self, environment: dict[str, Any]) -> None:
        """Add a session to environment.json."""
        before = _read_json(self.environment_file)["sessions"] if self.environment_file.exists() else []
        write_json(self.environment_file, {"sessions": [*before, environment]})

    def record_status(self, state: State, step: int, message: str = "") -> None:
        """Write how the session ended."""
        write_json(self.status_file, {"state": state, "step": step, "message": message})

    def finish(self, summary: dict[str, Any]) -> None:
        """Write summary.json, last of all: the run is done."""
        write_json(self.summary_file, summary)

    def clear(self) -> None:
        """Delete the directory, to start over."""
        with plain_words("delete", self.path):
            shutil.rmtree(self.path, ignore_errors=False)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the directory for one process; the kernel frees it however the process ends.

        Raises:
            RunBusy: another process holds it.
        """
        make_folder(self.path.parent)
        lock = FileLock(self._lock_file)
        owner_file = self._lock_file.with_suffix(".owner")
        try:
            with plain_words("lock", self._lock_file):
                lock.acquire(timeout=0)
        except Timeout:
            owner = owner_file.read_text() if owner_file.exists() else "another process"
            raise RunBusy(self.path, owner) from None
        try:
            owner_file.write_text(f"process {os.getpid()} on {socket.gethostname()}")
            yield
        finally:
            owner_file.unlink(missing_ok=True)
            lock.release()

    @property
    def _lock_file(self) -> Path:
        """Beside the directory, so that it outlives a fresh start."""
        return self.path.parent / f".{self.path.name}.lock"

    def is_locked(self) -> bool:
        """Tell whether a process is training this run now."""
        if not self._lock_file.exists():
            return False
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False


def find_runs(root: Path) -> list[Run]:
    """Return every run below a folder, by name."""
    return [Run(file.parent) for file in sorted(root.glob("*/seed-*/config.yaml"))]


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """Return 'key: old -> new' for every key of the experiment that differs."""
    before, after = flat(old.plain()), flat(new.plain())
    return [
        f"{key}: {before.get(key)} -> {after.get(key)}"
        for key in sorted({*before, *after})
        if before.get(key) != after.get(key) and key.split(".")[0] not in NOT_THE_EXPERIMENT
    ]


def flat(plain: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested data with dotted keys."""
    items: dict[str, Any] = {}
    for key, value in plain.items():
        items |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return items


def _read_json(path: Path) -> dict[str, Any]:
    with plain_words("read", path):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content

"""A comparison as a list of runs: several experiments under one protocol, each with the same seeds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.configfile import build_config, load_config, override, read_yaml
from skiprun.experiment.known_data import config_with_data
from skiprun.registry import MODELS
from skiprun.run import Run

PROTOCOLS = Path(__file__).parent.parent / "protocols"
DIGITS = PROTOCOLS / "degradation_digits.yaml"


@dataclass(frozen=True)
class Planned:
    """One experiment with one seed: its run, which may be finished, begun, or not there yet."""

    label: str
    config: RunConfig
    run: Run

    @classmethod
    def of(cls, label: str, config: RunConfig, runs: Path) -> Planned:
        """Return what a config becomes."""
        run = Run(runs / config.name / f"seed-{config.seed}")
        return cls(f"{label} seed {config.seed}", config, run)

    @classmethod
    def existing(cls, run: Run, root: Path | None) -> Planned:
        """Return a run that is there; one that goes on needs the place where its data is now."""
        config = run.config if run.summary_file.exists() else config_with_data(run, root)
        return cls(f"{run.path.parent.name} seed {config.seed}", config, run)

    def refuse_another_experiment(self) -> None:
        """Raise RunTaken if the directory holds another config."""
        if self.run.config_file.exists():
            Run.create(self.run.path.parent.parent, self.config)


def plan_comparison(
    names: Sequence[str],
    protocol: Path | None = None,
    overrides: Sequence[str] = (),
    seeds: int | None = None,
    runs: Path = Path("runs"),
    root: Path | None = None,
) -> list[Planned]:
    """Return what a comparison consists of.

    Args:
        names: architectures, also with options as `resnet56:connection=gated`; YAML files; run directories.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: `section.key=value` for all that is trained.
        seeds: train seeds 0..n-1; None: the seed of each config.
        runs: the folder of all runs.
        root: where the data of runs that go on is now; None: where it was.
    """
    planned: list[Planned] = []
    for name in names:
        if existing := find_existing(name, runs):
            planned += [Planned.existing(run, root) for run in existing]
            continue
        config = config_for(name, protocol or DIGITS, overrides)
        numbers = range(seeds) if seeds else [config.seed]
        planned += [Planned.of(label_of(name), config.revised(seed=seed), runs) for seed in numbers]
    return planned


def find_existing(name: str, runs: Path) -> list[Run]:
    """Return the runs that a name means if it is a directory: one run, or all seeds of one."""
    for path in (Path(name).expanduser(), runs / name):
        if (path / "config.yaml").exists():
            return [Run(path)]
        if found := sorted(path.glob("seed-*/config.yaml")):
            return [Run(file.parent) for file in found]
    return []


def config_for(name: str, protocol: Path, overrides: Sequence[str]) -> RunConfig:
    """Return the config of one name: a YAML file's own, or the protocol's with another architecture."""
    if name.endswith((".yaml", ".yml")):
        return load_config(name, overrides)
    architecture, _, options = name.partition(":")
    if architecture not in MODELS:
        MODELS[architecture]  # raises UnknownName with the nearest one
    plain, marks = read_yaml(protocol)
    plain["name"] = f"{plain.get('name', protocol.stem)}-{label_of(name)}"
    plain["model"] = (plain.get("model") or {}) | {"name": architecture}
    for option in filter(None, options.split(",")):
        override(plain, marks, f"model.{option}")
    return build_config(plain, overrides, marks, str(protocol))


def label_of(name: str) -> str:
    """Return a name as a run's name may hold it: resnet56:connection=gated -> resnet56-connection-gated."""
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    return re.sub(r"[^A-Za-z0-9._]+", "-", stem)

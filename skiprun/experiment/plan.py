"""A comparison: several experiments under one protocol, each with the same seeds; what is missing is trained."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.configfile import build_config, load_config, override, read_yaml
from skiprun.errors import Diverged
from skiprun.experiment.parts import Loading
from skiprun.experiment.train import Say, train
from skiprun.registry import MODELS
from skiprun.run import Run
from skiprun.training.trainer import Progress

PROTOCOLS = Path(__file__).parent.parent / "protocols"
DIGITS = PROTOCOLS / "degradation_digits.yaml"


@dataclass(frozen=True)
class Planned:
    """One experiment with one seed: to be trained from a config, or there already."""

    label: str
    config: RunConfig | None = None
    run: Run | None = None


def plan_comparison(
    names: Sequence[str],
    protocol: Path | None = None,
    overrides: Sequence[str] = (),
    seeds: int | None = None,
    runs: Path = Path("runs"),
) -> list[Planned]:
    """Return what a comparison consists of.

    Args:
        names: architectures, also with options as `resnet56:connection=gated`; YAML files; run directories.
        protocol: the YAML file whose data, optimizer and schedule all architectures share; default: digits.
        overrides: `section.key=value` for all that is trained.
        seeds: train seeds 0..n-1; None: the seed of each config.
        runs: the folder of all runs.
    """
    planned: list[Planned] = []
    for name in names:
        existing = find_existing(name, runs)
        if existing:
            planned += [Planned(run.path.parent.name, run=run) for run in existing]
            continue
        config = config_for(name, protocol or DIGITS, overrides)
        numbers = range(seeds) if seeds else [config.seed]
        planned += [Planned(label_of(name), config.revised(seed=seed)) for seed in numbers]
    return planned


def find_existing(name: str, runs: Path) -> list[Run]:
    """Return the runs that a name means if it is a directory: one run, or all seeds of one."""
    for path in (Path(name), runs / name):
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


def train_missing(
    planned: Sequence[Planned],
    runs: Path,
    progress_for: Callable[[str], Progress] | None = None,
    loading: Loading | None = None,
    say: Say = lambda message: None,
) -> list[Run]:
    """Train what is not there yet, and return all runs; one that diverges is a result, not an error."""
    done: list[Run] = []
    for item in planned:
        if item.run:
            done.append(item.run)
            continue
        assert item.config is not None
        progress = progress_for(f"{item.label} seed {item.config.seed}") if progress_for else None
        try:
            done.append(train(item.config, runs=runs, progress=progress, loading=loading, say=say))
        except Diverged as error:
            say(str(error))
            done.append(Run(runs / item.config.name / f"seed-{item.config.seed}"))
    return done

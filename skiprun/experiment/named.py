"""Resolve what is named: existing runs, a YAML file, or an architecture under a protocol."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from hashlib import blake2b
from pathlib import Path

from skiprun.config import RunConfig
from skiprun.config.fields import LONGEST_NAME
from skiprun.config.templates import DIGITS
from skiprun.config_file import (
    Overrides,
    build_config,
    is_file,
    key_of,
    load_config,
    options_behind,
    override,
    override_texts,
    read_config,
    said_by,
    split_options,
)
from skiprun.errors import InputError, did_you_mean
from skiprun.experiment.plugins import import_all
from skiprun.models.complexity.width import with_width
from skiprun.registry import MODELS
from skiprun.results.size_match import WidthChange
from skiprun.run import Run, nearest_run, run_folder, runs_in


def config_of(said: RunConfig | Mapping[str, object] | Path | str, overrides: Overrides = ()) -> RunConfig:
    """Return the config that is meant: in a YAML file, as such a file would hold it, or an architecture's.

    Args:
        said: a config, its plain data, a file, or an architecture, which is trained on digits.
        overrides: what it is changed in.
    """
    texts = override_texts(overrides)
    if isinstance(said, RunConfig):
        return build_config(said.to_dict(), texts, said._source_locations) if texts else said
    if isinstance(said, Mapping):
        return build_config(deepcopy(dict(said)), texts)
    if is_file(said):
        return load_config(said, texts)
    return config_for(str(said), DIGITS, texts)


def find_existing(name: str, runs: Path) -> list[Run]:
    """Return the runs that a name means if it is a directory: one run, or all seeds of one."""
    return runs_in(run_folder(name, runs))


def refuse_misspelled(name: str, runs: Path) -> None:
    """Raise InputError for a name near a run's that is no YAML file's and not near an architecture's."""
    architecture, _ = split_options(name)
    if (
        name.endswith((".yaml", ".yml"))
        or architecture in MODELS
        or did_you_mean(architecture, MODELS.names())
    ):
        return
    if near := nearest_run(runs / name):
        raise InputError(f"No model and no run in {runs} is called '{name}'.{near}")


def config_for(name: str, protocol: Path, overrides: Sequence[str], prefix: str | None = None) -> RunConfig:
    """Return the config of one name: a YAML file's own, or the protocol's with another architecture.

    Args:
        name: an architecture, with options after a colon; or a YAML file.
        protocol: the YAML file of what architectures share.
        overrides: `section.key=value` for either.
        prefix: what the run's name begins with; None: the protocol's name, for architectures.
    """
    if name.endswith((".yaml", ".yml")):
        config = load_config(name, overrides)
        return config if prefix is None else config.replace(name=f"{prefix}-{config.name}")
    architecture, _ = split_options(name)
    plain, source_locations = read_config(protocol)
    import_all(plain.get("import"))
    if architecture not in MODELS:
        MODELS[architecture]  # raises UnknownName with the nearest one
    shared = plain.get("name", protocol.stem) if prefix is None else prefix
    plain["name"] = shortened(f"{shared}-{label_of(name)}")
    plain["model"] = (plain.get("model") or {}) | {"name": architecture}
    for text in options_behind(name):
        if (option := text.removeprefix("model.")).partition(".")[0] in RunConfig.model_fields:
            raise InputError(
                f"{name}: behind the colon stand options of the network, such as "
                f"{architecture}:connection=none; give '{option}' to all with --set, or write a config."
            )
        override(plain, source_locations, text)
    refuse_other_network(name, overrides)
    return build_config(plain, overrides, source_locations, str(protocol))


def refuse_other_network(name: str, overrides: Sequence[str]) -> None:
    """Raise InputError for an override of what a name says: the run would be called what it is not."""
    said = ["model.name", *map(key_of, options_behind(name))]
    for text in overrides:
        if any(f"{key}.".startswith(f"{key_of(text)}.") for key in said):
            raise InputError(f"{said_by(text)} {text}: {name} says that itself; give one.")


def label_of(name: str) -> str:
    """Return a name as a run may be called: resnet56:connection=highway -> resnet56-connection-highway."""
    stem = Path(name).stem if name.endswith((".yaml", ".yml")) else name
    return re.sub(r"[^A-Za-z0-9._]+", "-", stem.replace("=-", "=minus-"))


def shortened(name: str) -> str:
    """Return the name of a run, or its beginning and a digest of it where many options make it too long."""
    if len(name) <= LONGEST_NAME:
        return name
    digest = blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{name[: LONGEST_NAME - len(digest) - 1]}-{digest}"


def widened(config: RunConfig, change: WidthChange) -> RunConfig:
    """Return an experiment with another width of its network."""
    model = with_width(config.model, change.key, change.new).model_dump(mode="json", by_alias=True)
    return config.replace(name=change.network, model=model)

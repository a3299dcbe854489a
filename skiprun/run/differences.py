"""What makes two configs another experiment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from skiprun.config import Role, RunConfig, Source, role_of
from skiprun.config_file import complete_config, unrecorded
from skiprun.errors import InputError
from skiprun.legacy import config_of_today
from skiprun.run.documents import Summary


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
                f"{first} and {label} would both be the run {config.name}/seed-{config.seed}, though they "
                f"differ in {keys}. Give each a name of its own: none in --set or --name, "
                "another `name:` in each YAML file."
            )


def refuse_repeats(label: str, seeds: Sequence[RunConfig]) -> None:
    """Raise InputError if all seeds of an experiment would be one run, as its config holds every source."""
    held = [source for source in get_args(Source) if len({config.seed_of(source) for config in seeds}) < 2]
    if any(config.data.folds for config in seeds):  # by which the seeds differ
        return
    if len(seeds) > 1 and held == [*get_args(Source)]:
        raise InputError(
            f"{label}: `seeds` holds init, order and augment, so {len(seeds)} seeds would train one network "
            f"{len(seeds)} times; leave one of them out."
        )


def recorded_config(plain: dict[str, object], source: str = "config") -> RunConfig:
    """Return the config in config.yaml or in a checkpoint, as the version that wrote it meant it, unjudged.

    Raises:
        ConfigError: with every problem.
    """
    config = complete_config(config_of_today(plain), {}, source)
    if not config.imports:
        return config
    return config.replace(imported=unrecorded(config.imports) | config.imported)


def changes_since(summary: Summary, recorded: RunConfig) -> list[str]:
    """Return how the config in a finished run's directory differs from the one that its summary has.

    The seed counts too, or a copy of a run would be a second seed of it.
    """
    if not (trained := summary.get("config")):  # of an earlier version
        return []
    return differences(recorded_config(trained, "summary.json"), recorded, also=["seed"])


def flat(plain: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested data with dotted keys."""
    items: dict[str, object] = {}
    for key, value in plain.items():
        items |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return items

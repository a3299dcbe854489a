"""Load a YAML file and `--set` overrides into a RunConfig, or report all problems with their places."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from skiprun.config import FileSection, RunConfig, contradictions, section_at
from skiprun.errors import ConfigError, InputError, did_you_mean
from skiprun.legacy import MOVED
from skiprun.system.yaml_file import Plain, parse, read_yaml

Whole = TypeVar("Whole", bound=FileSection)
# Words of other tools.
SAME = {"gpu": "cuda", "float32": "fp32", "bfloat16": "bf16"}
# Values of other tools that mean nothing here, and why.
UNUSED = {
    "mps": " Apple's GPUs are not used; 'cpu' computes on such a machine.",
    "xpu": " Intel's GPUs are not used; 'cpu' computes on such a machine.",
    "rocm": " A build of torch for AMD's GPUs calls them 'cuda'.",
    "fp16": " Its losses would have to be scaled, which is not done; 'bf16' needs no scaling.",
}


def load_config(path: Path | str, overrides: Sequence[str] = ()) -> RunConfig:
    """Read, complete and check one experiment.

    Args:
        path: the YAML file; its stem becomes the run's name unless the file gives one.
        overrides: `section.key=value` texts, the value in YAML.

    Raises:
        ConfigError: with every problem of the file and the overrides, one line each.
    """
    path = Path(path).expanduser()
    plain, source_locations = read_config(path)
    plain.setdefault("name", stem_name(path))
    return build_config(plain, overrides, source_locations, str(path))


def read_config(path: Path) -> tuple[Plain, dict[str, str]]:
    """Return what a YAML file of an experiment says, its plug-ins by their absolute paths, and the places.

    A run's own config.yaml names no plug-in that its run has not recorded.
    """
    plain, source_locations = read_yaml(path)
    named = plain.get("import")
    names = [named] if isinstance(named, str) else named
    if isinstance(names, list):
        plain["import"] = [_beside(path, name) for name in names]
        if (path.parent / "environment.json").exists():
            plain["imported"] = unrecorded(names) | (plain.get("imported") or {})
    return plain, source_locations


def _beside(path: Path, name: object) -> object:
    """Return a plug-in's file as it is found from a YAML file; an installed module as it is."""
    is_file = isinstance(name, str) and name.endswith(".py")
    return str((path.parent / Path(str(name)).expanduser()).absolute()) if is_file else name


def unrecorded(plugins: Iterable[object]) -> dict[str, str]:
    """Return digests that no plug-in has, by its name: of those that a run names and did not record."""
    return {Path(str(name)).name: "" for name in plugins}


def stem_name(path: Path) -> str:
    """Return what is called by its file, unless the file says otherwise."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", path.stem)


def build_config(
    plain: Plain,
    overrides: Sequence[str] = (),
    source_locations: dict[str, str] | None = None,
    source: str = "config",
) -> RunConfig:
    """Check plain data with overrides over it; `source_locations` maps dotted keys to 'file:line:column'."""
    source_locations = dict(source_locations or {})
    for text in overrides:
        override(plain, source_locations, text)
    config = complete_config(plain, source_locations, source)
    refuse_contradictions(config)
    return config


def complete_config(plain: Plain, source_locations: dict[str, str], source: str) -> RunConfig:
    """Return plain data as a config with right keys and types, which may yet contradict itself."""
    return complete(RunConfig, plain, source_locations, source)


def complete(kind: type[Whole], plain: Plain, source_locations: dict[str, str], source: str) -> Whole:
    """Return plain data as what a file of a kind says, with right keys and types; see `complete_config`."""
    try:
        config = kind.model_validate(plain)
    except ValidationError as error:
        problems = [_describe(each, source_locations, source, kind) for each in error.errors()]
        raise ConfigError(problems) from None
    config._source_locations.update(source_locations)
    return config


def refuse_contradictions(config: RunConfig) -> None:
    """Raise ConfigError, with every problem, for what cannot be built or trained."""
    if problems := [f"{config.place(key)}: {message}" for key, message in contradictions(config)]:
        raise ConfigError(problems)


class Override(str):
    """A `section.key=value` that something else than --set said, as --root; errors name that."""

    def __new__(cls, option: str, text: str) -> Override:
        """Return the text, which remembers its option."""
        self = super().__new__(cls, text)
        self.option = option
        return self

    option: str


def said_by(text: str) -> str:
    """Return the option or the place that said an override."""
    return text.option if isinstance(text, Override) else "--set"


def options_behind(name: str, said: str = "") -> list[str]:
    """Return the options behind an architecture's name, as in resnet20:width=8, as overrides.

    Args:
        name: the architecture, perhaps with options.
        said: what errors name; the name if nothing else.
    """
    options = filter(None, name.partition(":")[2].split(","))
    return [Override(said or name, f"model.{option}") for option in options]


def key_of(text: str) -> str:
    """Return the key of a `section.key=value`."""
    return text.partition("=")[0].strip()


def override(plain: Plain, source_locations: dict[str, str], text: str) -> None:
    """Lay one `section.key=value` over plain data; problems with it are those of what said it."""
    source, example = "--set", "--set optim.lr=0.05"
    if isinstance(text, Override):
        source, example = text.option, "resnet20:width=8"
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise InputError(f"{source} {text}: found no 'key=value'; write for instance {example}")
    parsed, _ = parse(value, f"{source} {key}")
    *parents, last = key.split(".")
    for depth, parent in enumerate(parents, 1):
        if parent not in plain:
            source_locations[".".join(parents[:depth])] = source
        child = plain.setdefault(parent, {})
        if not isinstance(child, dict):
            raise InputError(f"{source} {text}: '{parent}' is not a section")
        plain = child
    plain[last] = parsed
    for below in [mark for mark in source_locations if mark.startswith(f"{key}.")]:
        del source_locations[below]
    source_locations[key] = source


def _describe(
    error: ErrorDetails, source_locations: dict[str, str], source: str, whole: type[FileSection]
) -> str:
    """Say one pydantic error as 'place key: what was found, what is allowed, the nearest name'."""
    loc = [str(part) for part in error["loc"] if str(part) not in ("bool", "int", "float", "str")]
    key = ".".join(part[:60] for part in loc)
    parents = (".".join(loc[:n]) for n in range(len(loc), 0, -1))
    place = next((source_locations[parent] for parent in parents if parent in source_locations), source)
    if error["type"] == "extra_forbidden":
        fields = [field.alias or name for name, field in section_at(loc[:-1], whole).model_fields.items()]
        near = _in_a_section(loc, whole) or did_you_mean(loc[-1], fields)
        return f"{place} {key}: unknown key.{near} Allowed here: {', '.join(fields)}"
    if error["type"] == "missing":
        return f"{place} {key}: missing; {_meaning(loc, whole)}"
    message = error["msg"].removeprefix("Value error, ")
    found, allowed = error["input"], message[0].lower() + message[1:]
    near = ""
    if error["type"] == "string_pattern_mismatch":
        allowed = "letters, digits, '.', '_' and '-' are allowed, 64 at most, a letter or digit first"
        near = (
            ""
            if key in source_locations
            else " It is that of the file; give another as a key, or with --name."
        )
    if error["type"] == "literal_error" and isinstance(found, str):
        near = _nearest(found, re.findall(r"'([^']*)'", error["msg"]))
    if error["type"] == "list_type" and (meaning := _meaning(loc, whole)):
        allowed = f"a list is needed: {meaning}"
    if error["type"] == "string_type" and isinstance(found, bool | int | float | None):
        near = " What is text here has to be in quotes."
    return f"{place} {key}: found {_quoted(found)}; {allowed}.{near}"


def _nearest(found: str, allowed: Sequence[str]) -> str:
    """Say which of the allowed words was meant, or why what other tools know is not among them."""
    if one_of_several := re.fullmatch(r"cuda:(\d+)", found):
        return f" CUDA_VISIBLE_DEVICES={one_of_several[1]} chooses that GPU."
    return UNUSED.get(found) or did_you_mean(SAME.get(found, found), allowed)


def _in_a_section(loc: Sequence[str], whole: type[FileSection]) -> str:
    """Say of a key that stands outside of its section where it belongs; nothing of any other."""
    if moved := MOVED.get(".".join(loc)):
        return f" It is '{moved}' now."
    homes = [name for name in whole.model_fields if loc[0] in section_at([name], whole).model_fields]
    return f" Did you mean '{homes[0]}.{loc[0]}'?" if len(loc) == 1 and len(homes) == 1 else ""


def _meaning(loc: Sequence[str], whole: type[FileSection]) -> str:
    """Return what the schema says of a missing key."""
    field = section_at(loc[:-1], whole).model_fields.get(loc[-1])
    return (field and field.description) or "this section is needed"


def _quoted(value: object) -> str:
    """Return a value as a person would quote it, cut to a line's length."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."

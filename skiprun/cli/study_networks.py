"""The networks that the command of a study is given: with initial weights, or those of runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skiprun.cli.models import input_shape
from skiprun.cli.options import Set, user_path
from skiprun.cli.study_options import Names, RunNames, numbers, words
from skiprun.errors import InputError

if TYPE_CHECKING:
    from skiprun.experiment.study_runner.study_target import DataPlace, StudyTarget

Given = Mapping[str, Any]
Depths = Annotated[
    str | None, typer.Option(metavar="20,56,110", help="Depths of a family, default resnet_cifar.")
]
Connections = Annotated[str | None, typer.Option(metavar="none,add", help="Connections to put in.")]
Norms = Annotated[str | None, typer.Option(metavar="batch,none", help="Normalizations to put in.")]
Seeds = Annotated[int, typer.Option(min=1, max=100, help="Networks to draw of what is not trained.")]
Input = Annotated[
    str | None, typer.Option("--input", metavar="CxHxW", help="Look at random images of this size.")
]
Protocol = Annotated[
    Path | None,
    typer.Option("--config", parser=user_path, help="YAML file that says on which data; default: digits."),
]
RunA = Annotated[str, typer.Argument(metavar="RUN_A", help="A run directory, or its name below runs/.")]
RunB = Annotated[str, typer.Argument(metavar="RUN_B", help="Another run on the same data.")]


def option(name: str, hint: Any, default: Any = Parameter.empty) -> Parameter:
    """Return a parameter of which typer makes an option or an argument."""
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=hint)


AXES = [
    option("depths", Depths, None),
    option("connections", Connections, None),
    option("norms", Norms, None),
]
PROTOCOL = [option("seeds", Seeds, 3), option("config", Protocol, None), option("input_", Input, None)]
DRAWN = [option("names", Names, None), *AXES, *PROTOCOL, option("set_", Set, None)]
TRAINED = [option("names", RunNames)]
PAIR = [option("one", RunA), option("other", RunB)]


def options_for_networks(needed: Sequence[str]) -> list[Parameter]:
    """Return the options that name the networks which a study needs."""
    if "models" in needed:
        return DRAWN
    if "other" in needed:
        return PAIR
    return TRAINED if needed else []


def find_networks(needed: Sequence[str], given: Given, place: DataPlace) -> list[StudyTarget]:
    """Return the named networks, each with every depth, connection and norm where these may be given."""
    from skiprun.experiment.study_runner.name_variants import name_variants
    from skiprun.experiment.study_runner.study_targets import find_targets, find_trained

    if "models" in needed:
        axes = numbers(given["depths"], "--depths"), words(given["connections"]), words(given["norms"])
        wanted, shape = name_variants(given["names"], *axes), input_shape(given["input_"])
        return find_targets(
            wanted, given["runs"], given["config"], given["set_"], given["seeds"], shape, place
        )
    if "other" in needed:
        return find_trained([given["one"], given["other"]], given["runs"], place)
    return find_trained(given["names"], given["runs"], place) if needed else []


def names_any(given: Given) -> bool:
    """Tell whether a network is named, or an axis along which a family is."""
    return any(given[key] for key in ("names", *(axis.name for axis in AXES)))


def refuse_network_options(given: Given) -> None:
    """Raise InputError for options that the paper's own networks do not take."""
    unused = [f"--set {text}" for text in given["set_"]]
    unused += [
        f"--{key} {given[name]}" for key, name in (("config", "config"), ("input", "input_")) if given[name]
    ]
    if unused:
        raise InputError(
            f"{', '.join(unused)}: the paper's own networks do not take it; name an architecture."
        )

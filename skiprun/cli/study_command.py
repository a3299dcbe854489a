"""The command of a study, made of its function: which networks, the study's options, how much data.

A study's own module, and torch with it, is imported when the arguments have been read.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
from pydantic import TypeAdapter

from skiprun.cli.listed import command_of
from skiprun.cli.option_groups import DataOptions, OutputOptions, options_of_group
from skiprun.cli.options import apart
from skiprun.cli.study_networks import (
    find_networks,
    names_any,
    option,
    options_for_networks,
    refuse_network_options,
)
from skiprun.cli.study_options import Batches, BatchSize, Fresh, Images, ScoredSplit, Split, Weights, words
from skiprun.cli.study_output import show_studies
from skiprun.cli.terminal import set_quiet
from skiprun.infos import StudyInfo
from skiprun.registry import STUDIES, Entry
from skiprun.studies.signature import needs, options
from skiprun.system.argument_docs import argument_docs

if TYPE_CHECKING:
    from skiprun.experiment.study_runner.sample_selection import SampleSelection
    from skiprun.experiment.study_runner.study import StudyRequest

Study = Entry[Any, StudyInfo]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; default: one a core.")]


def study_command(study: Study, module: str) -> Any:
    """Return the command of a study; the module is the one that registers it."""

    def run(**given: Any) -> None:
        importlib.import_module(module)
        run_command(STUDIES[study.name], given)

    run.__signature__ = inspect.Signature([*command_parameters(study)])  # type: ignore[attr-defined]
    text = inspect.cleandoc(study.target.__doc__ or "").partition("\n\nArgs:")[0]
    return command_of(run, study.name, study.info.example, help=text)


def command_parameters(study: Study) -> Iterator[Parameter]:
    """Yield the arguments and options of the command of a study."""
    needed, info = needs(study.target), study.info
    yield from options_for_networks(needed)
    yield from own_options(study)
    yield from look_options(needed, info.look)
    yield from (flag(name, text) for name, text in info.also.items())
    if "known" in inspect.signature(study.target).parameters:
        yield option("fresh", Fresh, False)
    yield from options_of_group(DataOptions) if needed else ()
    yield from options_of_group(OutputOptions)


def own_options(study: Study) -> Iterator[Parameter]:
    """Yield the options of a study itself: typed parameters, with the lines of the docstring for help."""
    hints, docs = get_type_hints(study.target, include_extras=True), argument_docs(study.target)
    for name, default in options(study.target).items():
        if name == "workers":
            yield option(name, Jobs, None)
        elif default is False:
            yield flag(name, docs.get(name, ""))
        else:
            yield own_option(name, hints[name], default, as_sentence(docs.get(name, "")))


def own_option(name: str, hint: Any, default: Any, text: str) -> Parameter:
    """Return an option of a type and its limits; one of several values is written with commas."""
    schema = TypeAdapter(hint).json_schema()
    if schema.get("type") == "array":
        several = typer.Option(parser=words, metavar="VALUE,...", help=text)
        return option(name, Annotated[str, several], ",".join(map(str, default)))
    choices = "|".join(map(str, schema.get("enum", []))) or None
    one = typer.Option(min=schema.get("minimum"), max=schema.get("maximum"), metavar=choices, help=text)
    return option(name, Annotated[hint, one], default)


def flag(name: str, text: str) -> Parameter:
    """Return an option that is given or not."""
    return option(
        name, Annotated[bool, typer.Option(f"--{name.replace('_', '-')}", help=as_sentence(text))], False
    )


def as_sentence(text: str) -> str:
    """Return a line of a docstring as help of an option."""
    return text and text[0].upper() + text[1:].rstrip(".") + "."


def look_options(needed: Sequence[str], look: Mapping[str, Any]) -> Iterator[Parameter]:
    """Yield the options for how much of the data is looked at, as far as a study depends on it."""
    scored, seen = "evaluate" in needed, "batches" in needed
    if scored or seen:
        yield option("split", Split if "split" in look else ScoredSplit, look.get("split"))
    if scored:
        yield option("images", Images, look.get("images"))
    elif seen:
        yield option("batches", Batches, look.get("batches"))
        yield option("batch_size", BatchSize, look.get("batch_size"))
    if needed:
        yield option("weights", Weights, look.get("weights", "best"))


def run_command(study: Study, given: dict[str, Any]) -> None:
    """Make a study, or what it says is made without names, with the options of its command."""
    from skiprun.experiment.study_runner.sample_selection import SampleSelection
    from skiprun.experiment.study_runner.study import StudyRequest

    set_quiet(given["quiet"] or given["json"])
    if "set_" in given:
        given["names"], given["set_"] = apart(given["names"], given["set_"])
    names = [each.name for each in fields(SampleSelection)]
    look = SampleSelection(**{**study.info.look, **{name: given[name] for name in names if name in given}})
    if study.info.without_names and not names_any(given):
        refuse_network_options(given)
        requests = [StudyRequest(name, [], look, {}) for name in study.info.without_names]
    else:
        requests = [*requested(study, look, given)]
    output = OutputOptions(given["runs"], given["json"], given["quiet"])
    show_studies(*requests, output=output, fresh=given.get("fresh", False))


def requested(study: Study, look: SampleSelection, given: Mapping[str, Any]) -> Iterator[StudyRequest]:
    """Yield a study of the networks that are named, and each that an option asks for beside it."""
    from skiprun.experiment.study_runner.study import StudyRequest, free_processes
    from skiprun.experiment.study_runner.study_target import DataPlace

    place = DataPlace(given.get("root"), given.get("other_data", False))
    networks = find_networks(needs(study.target), given, place)
    for name in [study.name, *(name for name in study.info.also if given[name])]:
        chosen = {key: given[key] for key in options(STUDIES[name].target) if key in given}
        if "workers" in chosen:
            chosen["workers"] = chosen["workers"] or free_processes(look.device)
        yield StudyRequest(name, networks, look, chosen)

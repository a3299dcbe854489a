"""The command line looked at without running it, and options that make a command short."""

from __future__ import annotations

import re
from inspect import signature
from typing import Any

from typer.main import get_command

from skiprun.cli.app import app
from skiprun.cli.groups import ListedStudy
from skiprun.registry import MODELS, STUDIES
from tests.support.pages import Command

SMALL_RUN = [
    "schedule.epochs=0.1",
    "schedule.warmup=0",
    "model.width=4",
    "log.tensorboard=false",
    "compute.compile=off",
]
SMALL = {
    "train": SMALL_RUN,
    "batch_norm_explosion": ["--depths", "1,2", "--width", "16"],
    "expected_depth": ["--draws", "2"],
    "attention_rank": ["--layers", "2", "--draws", "1"],
    "deep_linear": ["--depths", "1,2", "--draws", "4"],
    "depth_scaling": ["--depths", "1,2", "--width", "8"],
    "gradflow": ["--seeds", "1", "--batches", "1", "model.width=4"],
    "lesion": ["--images", "32", "--draws", "1"],
    "landscape": ["--images", "32", "--steps", "3", "--jobs", "1"],
    "looks_linear": ["--depths", "1,2", "--width", "16", "--draws", "1"],
    "one_neuron": ["--depths", "1", "--draws", "1", "--steps", "2"],
    "paths": ["--batches", "1", "--draws", "1"],
    "curvature": ["--batches", "1", "--batch-size", "32", "--tolerance", "0.5"],
    "norm_placement": ["--depths", "1,2", "--width", "16", "--draws", "2"],
    "pre_norm_growth": ["--blocks", "2", "--width", "16"],
    "shatter": ["--seeds", "1", "--points", "31", "--lines", "1", "model.width=4"],
    "shatter_depth": ["--depths", "2", "--width", "16", "--draws", "2"],
    "shatter_theorem": ["--depths", "1,2", "--width", "16", "--draws", "2"],
    "similarity": ["--batches", "1", "--batch-size", "32"],
    "trajectory": ["--images", "32", "--steps", "3", "--jobs", "1"],
    "truncate": ["--images", "32"],
}
SMALL["compare"] = [*SMALL["train"], "--seeds", "1", "--jobs", "1"]


def small(words: list[str]) -> list[str]:
    """Return the options that make a command short; what is as wide as its name says keeps its width."""
    networks = [MODELS[name].target for word in words[2:] if (name := word.partition(":")[0]) in MODELS]
    fixed = any("width" not in signature(network).parameters for network in networks)
    given = SMALL.get(words[1], [])
    return [word for word in given if not (fixed and word == "model.width=4")]


def read(words: list[str]) -> Any:
    """Let the command line read a command without running it: command, arguments, options must exist."""
    command, context, arguments = get_command(app), None, words[1:]
    while True:
        context = command.make_context(command.name, list(arguments), parent=context)
        if not hasattr(command, "resolve_command"):
            return context
        _, command, arguments = command.resolve_command(context, [*context._protected_args, *context.args])


def unknown_options(command: Command) -> set[str]:
    """Return the options of a command that it does not have; names of arguments may be placeholders."""
    found: Any = get_command(app)
    context, words = None, command.words[1:]
    while words and hasattr(found, "resolve_command") and not words[0].startswith("-"):
        context = found.context_class(found, parent=context)
        inner = found.get_command(context, words[0])
        if inner is None and found.name in ("models", "studies", "runs"):  # they list by default
            inner = found.get_command(context, "list")
        assert inner is not None, command
        found, words = inner, words[1:]
    known = {option for parameter in full(found).params for option in parameter.opts}
    return {word for word in words if re.match(r"--?[a-z]", word)} - known - {"--help"}


def full(command: Any) -> Any:
    """Return a command with its parameters; that of a study is made when it is called."""
    if not isinstance(command, ListedStudy):
        return command
    from skiprun.cli.study_command import study_command

    return study_command(STUDIES[command.name], command.declaration.module)

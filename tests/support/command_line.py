"""The command line in this process: run, or looked at; and options that make a command short."""

from __future__ import annotations

import os
import re
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from inspect import signature
from io import StringIO
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from unittest import mock

import pytest
from typer.main import get_command

from skiprun.cli.app import app, main
from skiprun.registry import MODELS
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
    "refinement": ["--batches", "1", "--batch-size", "16"],
    "residual_mixing": ["--sites", "4", "--draws", "2"],
    "residual_stream": ["--seeds", "1", "--batch-size", "16", "model.width=4"],
    "shatter": ["--seeds", "1", "--points", "31", "--lines", "1", "model.width=4"],
    "shatter_depth": ["--depths", "2", "--width", "16", "--draws", "2"],
    "shatter_theorem": ["--depths", "1,2", "--width", "16", "--draws", "2"],
    "shortcuts": ["--seeds", "1", "--batches", "1", "--batch-size", "8", "model.width=4"],
    "signal_propagation": ["--depths", "1,2", "--width", "16", "--draws", "2"],
    "similarity": ["--batches", "1", "--batch-size", "32"],
    "trajectory": ["--images", "32", "--steps", "3", "--jobs", "1"],
    "truncate": ["--images", "32"],
}
SMALL["compare"] = [*SMALL["train"], "--jobs", "1"]
ONE_SEED = ["--seeds", "1"]


def exit_code(*words: str, folder: Path | None = None, **environment: str) -> int:
    """Run a command in this process, perhaps in a folder, and return its exit code."""
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):  # a command sets some
        if folder:
            patch.chdir(folder)
        patch.setattr(sys, "argv", ["skiprun", *words])
        patch.setattr(threading, "excepthook", threading.excepthook)  # a command sets its own
        for name, value in environment.items():
            patch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
    return int(ended.value.code or 0)


def run_here(*words: str, folder: Path, **environment: str) -> CompletedProcess[str]:
    """Run a command in this process, in a folder: a process of its own takes seconds to import torch."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        code = exit_code(*words, folder=folder, **environment)
    return CompletedProcess(words, code, out.getvalue(), err.getvalue())


def small(words: list[str]) -> list[str]:
    """Return the options that make a command short; what is as wide as its name says keeps its width."""
    networks = [MODELS[name].target for word in words[2:] if (name := word.partition(":")[0]) in MODELS]
    fixed = any("width" not in signature(network).parameters for network in networks)
    given = SMALL.get(words[1], [])
    if words[1] == "compare" and "--folds" not in words:
        given = [*given, *ONE_SEED]
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
    known = {option for parameter in found.params for option in parameter.opts}
    return {word for word in words if re.match(r"--?[a-z]", word)} - known - {"--help"}

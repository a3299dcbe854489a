"""What every study keeps: the network is afterwards as before, and the same seed finds the same."""

from __future__ import annotations

from contextlib import suppress

import torch

from skiprun.experiment.contracts.contract import NotTried, Subject, contract, require
from skiprun.experiment.contracts.study_trial import few, given, network, studied
from skiprun.experiment.contracts.tracks import InTheMiddle, require_untouched, tracks
from skiprun.studies.signature import needs, options
from skiprun.system.argument_docs import argument_docs


@contract("study")
def describes_itself(subject: Subject) -> None:
    """It has a docstring with a line for each option, and options have types and defaults."""
    study = subject.entry.target
    require(subject.entry.summary, "it has no docstring")
    docs, hints = argument_docs(study), study.__annotations__
    for name, default in options(study).items():
        require(default is not None and name in hints, f"option '{name}' has no type or no default")
        require(name == "workers" or docs.get(name), f"option '{name}' has no line below Args:")


@contract("study")
def says_what_it_found(subject: Subject) -> None:
    """It returns rows, facts and a verdict in whole sentences; its figures name columns of the rows."""
    result = studied(subject.entry.target).result
    require(result.rows, "it has no rows")
    require(result.verdict.endswith("."), f"its verdict is no sentence: '{result.verdict}'")
    for figure in subject.entry.info.figures:
        rows = [row for row in result.rows if figure.where.items() <= row.items()]
        require(rows, f"figure '{figure.title}' is of rows that there are not")
        columns = {figure.x, figure.y, figure.value, figure.group, *(figure.band or ())} - {""}
        missing = [name for row in rows for name in columns if name not in row]
        require(not missing, f"figure '{figure.title}' draws '{', '.join(missing[:1])}', which no row has")


@contract("study")
def leaves_no_trace(subject: Subject) -> None:
    """The network and torch's random stream are as before, to the bit."""
    _, _, model, before, streams = studied(subject.entry.target)
    require_untouched(model, before)
    require(torch.equal(*streams), "it draws from torch's own stream; isolated_copy gives one of its own")


@contract("study")
def leaves_no_trace_of_a_fault(subject: Subject) -> None:
    """After an exception in the middle, the network is as before."""
    study = subject.entry.target
    if not {"evaluate", "loss"} & set(needs(study)):
        raise NotTried("it calls nothing that could fail")
    name = studied(study).network
    model = network(name)
    needed, before = given(study, model, name, InTheMiddle()), tracks(model)
    with suppress(InTheMiddle):
        study(**needed, **few(study))
    require_untouched(model, before)


@contract("study")
def finds_the_same_again(subject: Subject) -> None:
    """The same network, data and seed give the same rows."""
    one, other = (studied(subject.entry.target, time).result for time in (1, 2))
    require(one.rows == other.rows and one.facts == other.facts, "a second time gives other numbers")

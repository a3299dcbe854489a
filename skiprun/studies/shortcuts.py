"""Shortcuts: what part of the gradient comes back through the shortcuts of a stage alone?

With identity shortcuts and nothing behind the addition, dE/dx_l = dE/dx_L (1 + d/dx_l sum F): the first term
brings the gradient to every block as it is (He et al. 2016, equation 5). A factor s on each shortcut makes
s^(L - l) of it (equation 8); an activation behind the addition lets it pass only where the signal is positive
at every block on the way (section 4.2).

Here x_l is what a block gives, and x_L what the last block of its stage gives; dE/dx_L is that of the whole
network. The branches of one stage at a time are cut, in the backward pass alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from skiprun.connections import sites
from skiprun.errors import InputError
from skiprun.models.layers.block import Block
from skiprun.registry import STUDIES
from skiprun.results.numbers import significant
from skiprun.studies.base import Batch, Batches, Figure, Loss, Row, StudyResult, isolated_copy
from skiprun.studies.cuts import replace_connections, skip_gradient
from skiprun.studies.gradflow import number
from skiprun.studies.reorder import parent

FIGURES = (
    Figure(
        "Gradient through the shortcuts alone", "lines", "number", "shortcuts", "block", "share of |dE/dx_L|"
    ),
    Figure("Gradient of a stage", "lines", "number", "gradient", "block", "|dE/dx_l| / |dE/dx_L|", log=True),
)
Stages = dict[str, list[str]]  # paths of blocks by the path of their stage


@STUDIES.register(
    "shortcuts",
    paper="He et al. 2016, equations 5 and 8",
    figures=FIGURES,
    example="preact110 resnet110",
    look={"split": "train", "batches": 4, "batch_size": 32},
)
def shortcuts(
    models: Iterable[nn.Module], batches: Batches, loss: Loss, *, inference: bool = False
) -> StudyResult:
    """Measure the gradient through shortcuts alone. Of networks with initial weights, or of runs.

    Args:
        models: networks of one architecture, one a seed; or the one of a run.
        batches: batches to look at, each with every network.
        loss: what is differentiated.
        inference: use batch norm's running statistics, not those of the batch as while a network trains.
    """
    measured = []
    for seed, model in enumerate(models):
        with isolated_copy(model, seed) as copy:
            recorder = StageRecorder(copy.train(not inference), loss)
            measured += [recorder.measure(batch) for batch in batches]
    rows = block_rows(recorder.stages, torch.stack(measured).median(dim=0).values)
    facts = summarize(rows)
    return StudyResult(rows, verdict(facts), facts)


def site_blocks(model: nn.Module) -> dict[str, Block]:
    """Return the blocks with a connection site by path; refuse a network that has none."""
    modules = {parent(path): model.get_submodule(parent(path)) for path in sites(model)}
    blocks = {path: module for path, module in modules.items() if isinstance(module, Block)}
    if not blocks:
        raise InputError(f"A {type(model).__name__} has no residual blocks, and this study needs them.")
    return blocks


class StageRecorder:
    """Reads the gradients of what the blocks of an isolated copy give; its hooks stay there."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        self.model, self.loss, self.blocks = model, loss, site_blocks(model)
        self.stages = {stage: list(paths) for stage, paths in itertools.groupby(self.blocks, parent)}
        self.outputs: dict[nn.Module, Tensor] = {}
        for block in self.blocks.values():
            block.register_forward_hook(self.keep)

    def keep(self, block: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Remember what a block gives, and that its gradient is asked for, also where a cut left it none."""
        self.outputs[block] = output.requires_grad_()

    def measure(self, batch: Batch) -> Tensor:
        """Return two norms by block, over that at its stage's end: through shortcuts alone, and whole."""
        stages = [*self.stages.values()]
        whole = self.norms([*self.blocks], [], batch)
        ends = torch.cat([norms[-1:].expand(len(norms)) for norms in whole.split([*map(len, stages)])])
        alone = torch.cat([self.norms(paths, paths[1:], batch) for paths in stages])
        return (torch.stack([alone, whole]).double() / ends.double()).cpu()

    def norms(self, paths: Sequence[str], cut: Sequence[str], batch: Batch) -> Tensor:
        """Return the norm of the gradient of what each block gives; it passes no branch of those in `cut`."""
        with replace_connections({self.blocks[path].connection: skip_gradient for path in cut}):
            value = self.loss(self.model(batch[0].clone().requires_grad_()), batch[1])
        outputs = [self.outputs[self.blocks[path]] for path in paths]
        found = torch.autograd.grad(value, outputs, allow_unused=True)
        return torch.stack([value.new_zeros(()) if each is None else each.norm() for each in found])


def block_rows(stages: Stages, measured: Tensor) -> list[Row]:
    """Return one row a block from values [2, blocks]."""
    places = [(stage, path, len(paths)) for stage, paths in stages.items() for path in paths]
    values = zip(places, *measured.tolist(), strict=True)
    return [
        {"number": number, "stage": stage, "layer": path, "of": of, "shortcuts": alone, "gradient": whole}
        for number, ((stage, path, of), alone, whole) in enumerate(values, start=1)
    ]


def summarize(rows: list[Row]) -> dict[str, float | None]:
    """Return what arrives at the first block of a stage, and the factor a block, as means of logarithms."""
    firsts = [next(group) for _, group in itertools.groupby(rows, lambda row: row["stage"])]
    several = [row for row in firsts if row["of"] > 1] or firsts
    logs = torch.tensor([[row["shortcuts"], row["gradient"]] for row in several]).double().log()
    steps = torch.tensor([max(1, row["of"] - 1) for row in several]).double()
    names = ("shortcuts", "gradient", "shortcuts_per_block", "gradient_per_block")
    values = torch.cat([logs.mean(dim=0), (logs / steps[:, None]).mean(dim=0)]).exp()
    return dict(zip(names, map(number, values), strict=True))


def verdict(facts: dict[str, float | None]) -> str:
    """Say what comes through the shortcuts of a stage, and how the whole gradient changes."""
    known = {name: significant(value) for name, value in facts.items() if value is not None}
    if len(known) < len(facts):
        return "No gradient that is finite and not zero is at the end of each stage."
    return (
        f"Through its shortcuts alone the first block of a stage receives {known['shortcuts']} of the "
        f"gradient at the stage's end, a factor of {known['shortcuts_per_block']} a block. The whole "
        f"gradient is {known['gradient']} times as large there, {known['gradient_per_block']} a block."
    )

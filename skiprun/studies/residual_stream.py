"""Residual stream: what each branch adds to the signal that it is added to, in size, direction and rank.

At each site where a branch f(x) meets a shortcut x of the same shape:

    branch_share    |f|^2 / (|x|^2 + |f|^2). Batch norm makes the l-th branch of a stage as large as the
                    first, so that its share falls as 1 / (l + 1): beside the signal branches shrink by the
                    root of the depth. Without it each is as large as the signal, 1/2 (De and Smith 2020)
    cosine          of x and f: whether the branch adds to the signal or takes from it
    rank            of x, f, x + f and [x, f]: the effective rank exp(-sum p log p), where p are the singular
                    values over their sum (Roy and Vetterli 2007). The matrix has a row for each pixel of each
                    image and a column for each channel, less its mean. Concatenation adds the ranks of both
                    up, addition cannot (Kim et al. 2024)
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.errors import InputError
from skiprun.registry import STUDIES
from skiprun.studies.base import Batches, Figure, Row, StudyResult, isolated_copy, sites_of

SIGNALS = ("x", "f(x)", "x + f(x)", "[x, f(x)]")
FIGURES = (
    Figure(
        "Share of the branch",
        "lines",
        "number",
        "branch_share",
        "site",
        "|f|^2 / (|x|^2 + |f|^2)",
        where={"at": "site"},
    ),
    Figure(
        "Effective rank",
        "lines",
        "number",
        "rank",
        "site",
        "effective rank",
        where={"at": "signal"},
        panel="signal",
    ),
)


@STUDIES.register(
    "residual_stream",
    paper="De and Smith 2020; Kim et al. 2024",
    figures=FIGURES,
    example="resnet56 preact56",
    look={"split": "train", "batches": 1},
)
def residual_stream(models: Iterable[nn.Module], batches: Batches, *, inference: bool = False) -> StudyResult:
    """Measure what branches add to the signal. Of networks with initial weights, or of runs.

    Args:
        models: networks of one architecture, one a seed; or the one of a run.
        batches: batches to look at, each with every network.
        inference: use batch norm's running statistics, not those of the batch as while a network trains.
    """
    measured: list[dict[str, Tensor]] = []
    for seed, model in enumerate(models):
        with isolated_copy(model, seed) as copy, torch.no_grad():
            recorder = SiteRecorder(copy.train(not inference))
            measured += [recorder.measure(images) for images, _ in batches]
    if not (paths := list(measured[0])):
        raise InputError("No branch of this network is added to a signal of its shape.")
    median = torch.stack([torch.stack([*each.values()]) for each in measured]).median(dim=0).values
    facts = summarize(median)
    return StudyResult(stream_rows(paths, median), verdict(facts), facts)


class SiteRecorder:
    """Looks at what enters the sites of an isolated copy; its hooks stay there."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self.paths = model, {site: path for path, site in sites_of(model).items()}
        self.found: dict[str, Tensor] = {}
        for site in self.paths:
            site.register_forward_pre_hook(self.look)

    def look(self, site: Connection, inputs: tuple[Tensor, Tensor]) -> None:
        """Measure what meets, if both have one shape and are used."""
        x, fx = inputs
        if site.uses_shortcut and x.shape == fx.shape:
            self.found[self.paths[site]] = measure_site(x.double(), fx.double()).cpu()

    def measure(self, images: Tensor) -> dict[str, Tensor]:
        """Return what `measure_site` says of each site."""
        self.model(images)
        return {path: self.found[path] for path in self.paths.values() if path in self.found}


def measure_site(x: Tensor, fx: Tensor) -> Tensor:
    """Return branch_share, cosine and the effective ranks of SIGNALS, for x and fx [N, C, H, W]: [6]."""
    size_x, size_f = x.square().sum(), fx.square().sum()
    cosine = (x * fx).sum() / (size_x * size_f).sqrt().clamp(min=1e-150)
    ranks = [effective_rank(signal) for signal in (x, fx, x + fx, torch.cat([x, fx], dim=1))]
    return torch.stack([size_f / (size_x + size_f), cosine, *ranks])


def effective_rank(features: Tensor) -> Tensor:
    """Return exp(entropy) of the singular values of features [N, C, H, W], as channels by pixels."""
    channels = features.double().transpose(0, 1).flatten(1)
    values = torch.linalg.svdvals(channels - channels.mean(dim=1, keepdim=True))
    shares = values / values.sum().clamp(min=1e-150)
    return torch.special.entr(shares).sum().exp() * (values.sum() > 0)


def stream_rows(paths: list[str], sites: Tensor) -> list[Row]:
    """Return one row a site, and one a site and signal, from values [sites, 6]."""
    rows: list[Row] = []
    for number, (path, (share, cosine, *ranks)) in enumerate(
        zip(paths, sites.tolist(), strict=True), start=1
    ):
        place: Row = {"number": number, "layer": path}
        rows.append({"at": "site"} | place | {"branch_share": share, "cosine": cosine})
        for signal, rank in zip(SIGNALS, ranks, strict=True):
            rows.append({"at": "signal"} | place | {"signal": signal, "rank": rank})
    return rows


def summarize(sites: Tensor) -> dict[str, float]:
    """Return the means over sites [sites, 6]."""
    names = ("branch_share", "cosine", *(f"rank of {signal}" for signal in SIGNALS))
    return dict(zip(names, sites.mean(dim=0).tolist(), strict=True))


def verdict(facts: dict[str, float]) -> str:
    """Say how large branches are beside the signal, and what concatenation would keep of its rank."""
    before, branch, added, joined = (f"{facts[f'rank of {signal}']:.1f}" for signal in SIGNALS)
    return (
        f"A branch is {100 * facts['branch_share']:.0f} % of what meets at its site, in the mean over sites. "
        f"The effective rank is {before} of the signal, {branch} of the branch, {added} of their sum, and "
        f"{joined} of both side by side."
    )

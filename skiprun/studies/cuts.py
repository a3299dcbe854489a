"""Connections with one side cut, in the forward pass or in the gradient alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.connections.highway import Highway
from skiprun.connections.none import NoConnection
from skiprun.studies.base import sites_of

Join = Callable[[Connection, Tensor, Tensor], Tensor]
# These choose between x and f(x) rather than add them: with x on both sides, x is what comes out.
CHOOSING = (NoConnection, Highway)


def without_branch(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join x with no branch; a plain or gated block passes x through."""
    return type(connection).forward(
        connection, x, x if type(connection) in CHOOSING else torch.zeros_like(fx)
    )


def without_skip(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join the branch with nothing."""
    return type(connection).forward(connection, torch.zeros_like(x), fx)


def branch_gradient(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join both, and send the gradient into the branch alone."""
    return type(connection).forward(connection, x.detach(), fx)


def skip_gradient(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join both, and send the gradient into the skip alone."""
    return type(connection).forward(connection, x, fx.detach())


CUTS: dict[str, Join] = {"branch": without_branch, "skip": without_skip}


@contextmanager
def replace_connections(joins: Mapping[Connection, Join]) -> Iterator[None]:
    """Let some sites join their two sides in another way for a while; all hooks stay as they are."""
    try:
        for connection, join in joins.items():
            # A module's own attribute goes before the method of its class.
            vars(connection)["forward"] = partial(join, connection)
        yield
    finally:
        for connection in joins:
            vars(connection).pop("forward", None)


class Shapes:
    """Watches which shapes meet at each site of an isolated copy, as images pass."""

    def __init__(self, model: nn.Module) -> None:
        self.model, self.paths = model, list(sites_of(model))
        self.met: dict[nn.Module, tuple[torch.Size, torch.Size]] = {}
        self.hooks = [site.register_forward_pre_hook(self.record) for site in sites_of(model).values()]

    def record(self, site: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        """Keep the shapes of one image."""
        self.met[site] = (inputs[0].shape[1:], inputs[1].shape[1:])

    def cuttable(self) -> dict[str, Connection]:
        """Return the sites that can do without their branch: at others of a plain network x does not fit."""
        for hook in self.hooks:
            hook.remove()
        pairs = (
            (path, site, *self.met[site]) for path, site in sites_of(self.model).items() if site in self.met
        )
        return {path: site for path, site, x, fx in pairs if type(site) not in CHOOSING or x == fx}

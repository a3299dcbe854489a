"""Cut the branch or the skip of a connection site, for a while."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from skiprun.connections import Connection, sites
from skiprun.connections.gated import Gated
from skiprun.connections.none import NoConnection

# These choose between x and f(x) rather than add them: with x on both sides, x is what comes out.
CHOOSING = (NoConnection, Gated)


def without_branch(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join x with no branch; a plain or gated block passes x through."""
    return type(connection).forward(connection, x, x if type(connection) in CHOOSING else torch.zeros_like(fx))


def without_skip(connection: Connection, x: Tensor, fx: Tensor) -> Tensor:
    """Join the branch with nothing."""
    return type(connection).forward(connection, torch.zeros_like(x), fx)


CUTS = {"branch": without_branch, "skip": without_skip}


@contextmanager
def cut(connections: Iterable[Connection], side: str = "branch") -> Iterator[None]:
    """Cut one side of some sites; other sites and all hooks stay as they are."""
    connections = list(connections)
    try:
        for connection in connections:
            # A module's own attribute goes before the method of its class.
            vars(connection)["forward"] = partial(CUTS[side], connection)
        yield
    finally:
        for connection in connections:
            vars(connection).pop("forward", None)


class Shapes:
    """Watches which shapes meet at each site of a specimen, as pictures pass."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.met: dict[nn.Module, tuple[torch.Size, torch.Size]] = {}
        self.hooks = [site.register_forward_pre_hook(self.look) for site in sites(model).values()]

    def look(self, site: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        """Keep the shapes of one picture."""
        self.met[site] = (inputs[0].shape[1:], inputs[1].shape[1:])

    def cuttable(self) -> dict[str, Connection]:
        """Return the sites that can do without their branch: at the others of a plain network x does not fit."""
        for hook in self.hooks:
            hook.remove()
        pairs = ((path, site, *self.met[site]) for path, site in sites(self.model).items() if site in self.met)
        return {path: site for path, site, x, fx in pairs if type(site) not in CHOOSING or x == fx}

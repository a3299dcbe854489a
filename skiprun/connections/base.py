"""The base class of connections: a module that joins shortcut and branch at one site of a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn


@dataclass(frozen=True)
class Site:
    """A place where a shortcut meets a branch.

    Attributes:
        shortcut_channels: channels of x as it arrives.
        branch_channels: channels of f(x).
        index: number of the site from the input, from 0.
        total: number of sites in the network.
    """

    shortcut_channels: int
    branch_channels: int
    index: int
    total: int


class Connection(nn.Module):
    """Joins the shortcut and the branch of one site.

    A subclass gives `forward(x, fx)`. `x` and `fx` have the shape [batch, channels, height, width]; but for
    `concat` both have the same shape, and so has the result. Arguments of `__init__` behind `site` are the
    options that a config may set by `connection_options`; each has a type, a default and a line below
    `Options:` in the docstring of the class.
    """

    # True where the result has the channels of both, which only networks made for it can take.
    grows: ClassVar[bool] = False
    # False where x is not used at all, so that the network builds no shortcut.
    uses_shortcut: ClassVar[bool] = True

    def __init__(self, site: Site) -> None:
        super().__init__()
        self.site = site

    @property
    def channels(self) -> int:
        """Channels of the result."""
        return self.site.branch_channels + (self.site.shortcut_channels if self.grows else 0)

    def reset_parameters(self) -> None:
        """Draw the connection's own parameters; done last, as networks initialize all of their layers."""

    def forward(self, x: Tensor, fx: Tensor) -> Tensor:
        """Return the joined tensor."""
        raise NotImplementedError


ConnectionFactory = Callable[[Site], Connection]


def fits_unequal_channels(connection: type[Connection]) -> bool:
    """Tell whether a connection can join x and f(x) of different channels."""
    return connection.grows or not connection.uses_shortcut


def sites(model: nn.Module) -> dict[str, Connection]:
    """Return the connection sites of a network by module path, from the input to the output."""
    return {path: module for path, module in model.named_modules() if isinstance(module, Connection)}

"""What the branch split sums up at one site over the micro-batches of a step."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor, nn

from skiprun.connections import Connection
from skiprun.models.layers.block import Block
from skiprun.models.layers.preact_block import PreactBlock


def measures(connection: Connection) -> list[str]:
    """Return what can be measured at a site; x and F(x) have no angle where shapes may differ."""
    angle = ["branch_cos"] if connection.uses_shortcut and not connection.grows else []
    gate = ["gate"] if hasattr(connection, "gate") else []
    return ["skip_grad", "branch_grad", "branch_ratio", *angle, *gate, *own_parameters(connection)]


def own_parameters(connection: Connection) -> dict[str, nn.Parameter]:
    """Return the parameters that are the connection's own, such as the alpha of ReZero."""
    return dict(connection.named_parameters(recurse=False))


class Tally:
    """Sums over the micro-batches of one step, at one site."""

    def __init__(self, connection: Connection, device: torch.device) -> None:
        self.connection = connection
        self.sums = {
            name: torch.zeros((), device=device)
            for name in ("skip", "branch", "x", "fx", "dot", "gate", "seen")
        }

    def attach(self, block: nn.Module, hooks: ExitStack) -> None:
        """Put hooks into a site and its block, and their removal on the stack."""
        site = self.connection
        hooks.callback(site.register_forward_pre_hook(self.look).remove)
        if "gate" in measures(site):
            hooks.callback(site.get_submodule("gate").register_forward_hook(self.look_at_gate).remove)
        if not isinstance(block, Block):
            # In a U-Net the two come from different places, each with a gradient of its own.
            hooks.callback(site.register_forward_pre_hook(self.tap_both, prepend=True).remove)
            return
        # A block hands the same x to both sides; each gets a view of it, whose gradient is its own.
        if block.downsample is None:
            hooks.callback(site.register_forward_pre_hook(self.tap_skip, prepend=True).remove)
        else:
            hooks.callback(
                block.downsample.register_forward_pre_hook(partial(self.tap_module, "skip")).remove
            )
        if isinstance(block, PreactBlock) and not block.shared:
            # Its branch begins with the norm, which x enters alone.
            hooks.callback(block.bn1.register_forward_pre_hook(partial(self.tap_module, "branch")).remove)
        else:
            branch = block.branch
            vars(block)["branch"] = lambda x: branch(self.tap("branch", x))
            hooks.callback(vars(block).pop, "branch")

    def tap(self, side: str, tensor: Tensor) -> Tensor:
        """Return a view that adds the square of its gradient to the sums."""
        view = tensor.view_as(tensor)
        if view.requires_grad:
            view.register_hook(partial(self.add_square, side))
        return view

    def tap_module(self, side: str, _module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        """Tap what enters a module."""
        return self.tap(side, inputs[0])

    def tap_skip(self, _connection: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Tap x where it meets the branch."""
        return self.tap("skip", inputs[0]), inputs[1]

    def tap_both(self, _connection: nn.Module, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Tap x and F(x) where they meet."""
        return self.tap("skip", inputs[0]), self.tap("branch", inputs[1])

    def add_square(self, name: str, tensor: Tensor) -> None:
        """Add a tensor's squared length to the sums; parts of a batch add up like this."""
        self.sums[name] = self.sums[name] + tensor.detach().float().norm().square()

    def look(self, _connection: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        """Add the lengths of x and F(x), and their product."""
        x, fx = inputs[0].detach().float(), inputs[1].detach().float()
        self.add_square("x", x)
        self.add_square("fx", fx)
        if "branch_cos" in measures(self.connection):
            self.sums["dot"] = self.sums["dot"] + (x * fx).sum()

    def look_at_gate(self, _gate: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Add the openness of a gate, weighted by the images it was for."""
        self.sums["gate"] = self.sums["gate"] + output.detach().float().sigmoid().mean() * len(output)
        self.sums["seen"] = self.sums["seen"] + len(output)

    def values(self) -> list[Tensor]:
        """Return the values of `measures`, in its order."""
        sums = self.sums
        known = {
            "skip_grad": sums["skip"].sqrt(),
            "branch_grad": sums["branch"].sqrt(),
            "branch_ratio": (sums["fx"] / sums["x"]).sqrt(),
            # A branch of nothing points nowhere: 0, not NaN.
            "branch_cos": sums["dot"] / (sums["x"] * sums["fx"]).sqrt().clamp(min=1e-30),
            "gate": sums["gate"] / sums["seen"],
            **{name: each.detach().float().mean() for name, each in own_parameters(self.connection).items()},
        }
        return [known[measure] for measure in measures(self.connection)]

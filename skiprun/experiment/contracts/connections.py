"""What every connection keeps: at a site of its own, and in a network."""

from __future__ import annotations

import inspect

import torch
from torch import Tensor, nn

from skiprun.connections import Connection, Site, sites
from skiprun.experiment.contracts.contract import NotTried, Subject, contract, require
from skiprun.experiment.contracts.small_networks import SMALL_NETWORKS, small_network
from skiprun.experiment.contracts.training_step import require_learning
from skiprun.models.option_rows import connection_options
from skiprun.models.options import convert_options, options_of
from skiprun.registry import MODELS

CHANNELS, SIZE = 4, 5


def connection_at(subject: Subject, site: Site | None = None) -> Connection:
    """Return the connection at a site, the same each time."""
    torch.manual_seed(0)
    connection: Connection = subject.entry.target(site or Site(CHANNELS, CHANNELS, 0, 1))
    return connection


def features(channels: int = CHANNELS) -> tuple[Tensor, Tensor]:
    """Return x and f(x), [8, channels, 5, 5]."""
    generator = torch.Generator().manual_seed(1)
    x, fx = (torch.randn(8, channels, SIZE, SIZE, generator=generator) for _ in range(2))
    return x, fx


@contract("connection")
def describes_itself(subject: Subject) -> None:
    """It has a formula, a paper and a docstring."""
    entry = subject.entry
    require(isinstance(entry.target, type) and issubclass(entry.target, Connection), "it is no Connection")
    require(entry.info.formula, "register(..., formula=...) is empty")
    require(entry.info.paper, "register(..., paper=...) says not where it is from")
    require(entry.target.__doc__, "the class has no docstring")


@contract("connection")
def says_its_options(subject: Subject) -> None:
    """Each option has a type, a default and a line below Options: in the docstring."""
    connection = subject.entry.target
    behind = [*inspect.signature(connection).parameters.values()][1:]
    known = options_of(connection)
    for each in behind:
        require(each.name in known, f"option '{each.name}' has no type that a config can say")
        require(each.default is not each.empty, f"option '{each.name}' has no default")
    for row in connection_options(connection):
        key = row["key"].removeprefix("connection_options.")
        require(len(row["meaning"].split()) > 1, f"option '{key}' has no line below Options:")
        convert_options(subject.entry.name, connection, {key: row["default"]})


@contract("connection")
def keeps_the_shape(subject: Subject) -> None:
    """Its result has the shape of the branch (with those of x, where it grows), and is finite."""
    x, fx = features()
    connection = connection_at(subject)
    y, shape = connection(x, fx), (8, connection.channels, SIZE, SIZE)
    require(y.shape == shape, f"found {list(y.shape)}, not {list(shape)}")
    require(y.isfinite().all(), "the result is not finite")


@contract("connection")
def leaves_its_inputs(subject: Subject) -> None:
    """It does not change x and f(x), which other layers still need."""
    x, fx = features()
    kept = x.clone(), fx.clone()
    connection = connection_at(subject)
    for mode in (True, False):
        connection.train(mode)(x, fx)
    require(torch.equal(x, kept[0]) and torch.equal(fx, kept[1]), "an operation is made in place")


@contract("connection")
def passes_gradients(subject: Subject) -> None:
    """Gradients reach f(x), x where it is used, and every parameter."""
    x, fx = (each.requires_grad_() for each in features())
    connection = connection_at(subject)
    connection(x, fx).square().sum().backward()
    require(fx.grad is not None, "no gradient reaches f(x)")
    if connection.uses_shortcut:
        require(x.grad is not None, "no gradient reaches x; set uses_shortcut = False if it is not used")
    else:
        require(x.grad is None, "x is used, though uses_shortcut is False")
    for name, each in connection.named_parameters():
        require(each.grad is not None, f"no gradient reaches {name}")


@contract("connection")
def is_certain_in_evaluation(subject: Subject) -> None:
    """In evaluation the same input gives the same result."""
    connection, (x, fx) = connection_at(subject).eval(), features()
    require(torch.equal(connection(x, fx), connection(x, fx)), "chance is left in evaluation")


@contract("connection")
def is_saved(subject: Subject) -> None:
    """Saved weights give the same result when they are loaded."""
    x, fx = features()
    connection, again = connection_at(subject), connection_at(subject)
    for each in connection.parameters():
        nn.init.normal_(each)
    again.load_state_dict(connection.state_dict())
    same = torch.equal(again.eval()(x, fx), connection.eval()(x, fx))
    require(same, "what it computes by is not in its state_dict; use parameters and buffers")


@contract("connection")
def computes_in_every_precision(subject: Subject) -> None:
    """It computes in float64 as in float32, and in bfloat16 under autocast."""
    x, fx = features()
    exact = connection_at(subject).eval().double()(x.double(), fx.double())
    require(exact.dtype == torch.float64, f"of float64 it makes {exact.dtype}")
    near = torch.allclose(connection_at(subject).eval()(x, fx).double(), exact, atol=1e-4)
    require(near, "float64 gives other numbers than float32")
    with torch.autocast("cpu", torch.bfloat16):
        y = connection_at(subject)(x.bfloat16(), fx.bfloat16())
    require(y.dtype in (torch.bfloat16, torch.float32) and y.isfinite().all(), "not in bfloat16")


@contract("connection")
def computes_in_channels_last(subject: Subject) -> None:
    """It gives the same numbers in the memory format channels_last."""
    x, fx = features()
    connection = connection_at(subject).eval()
    last = connection(*(each.to(memory_format=torch.channels_last) for each in (x, fx)))
    require(torch.allclose(last, connection(x, fx), atol=1e-5), "the order in memory changes the numbers")


@contract("connection")
def is_built_everywhere(subject: Subject) -> None:
    """It is built at every site: the first and the last of many, of few and of many channels."""
    for site in (Site(1, 1, 0, 54), Site(16, 16, 53, 54), Site(96, 96, 5, 9)):
        x, fx = features(site.branch_channels)
        require(
            connection_at(subject, site).eval()(x, fx).isfinite().all(), f"the result at {site} is not finite"
        )


@contract("connection")
def learns_in_a_network(subject: Subject) -> None:
    """A network is built around it, and a step of training lowers its loss."""
    fitting = [name for name in SMALL_NETWORKS if MODELS[name].info.fits(subject.entry.target)]
    if not fitting:
        raise NotTried(f"it fits none of {', '.join(SMALL_NETWORKS)}")
    model = small_network(fitting[0], 5, subject.entry.name)
    require(sites(model), "the network has no site")
    generator = torch.Generator().manual_seed(1)
    images, labels = torch.randn(4, 3, 16, 16, generator=generator), torch.arange(4)
    require_learning(model.eval(), (images, labels))  # where no chance is left

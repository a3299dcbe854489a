"""What every architecture keeps, on small images where it takes them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from skiprun.config import ModelConfig
from skiprun.connections import sites
from skiprun.errors import InputError
from skiprun.experiment.contracts.contract import NotTried, Subject, contract, require
from skiprun.experiment.contracts.training_step import require_learning, without_chance
from skiprun.models import build_model
from skiprun.models.complexity.catalog import describe_model
from skiprun.models.complexity.meta import without_content
from skiprun.models.option_rows import network_options
from skiprun.models.options import convert_options, options_of
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS, MODELS

CLASSES, IMAGES, NARROW = 5, 4, 8


def made(name: str, **options: Any) -> nn.Module:
    """Return a network for small images with 5 classes, the same each time."""
    torch.manual_seed(0)
    entry = MODELS[name]
    if "stem" in options_of(entry.target):
        options.setdefault("stem", "small")
    if entry.info.task == "segmentation" and "width" in options_of(entry.target):
        options.setdefault("width", NARROW)
    return build_model(name, CLASSES, entry.info.input[0], **options)


def smallest(name: str) -> tuple[int, int]:
    """Return the size of the smallest images that a family for larger ones learns from, or its own."""
    _, height, width = MODELS[name].info.input
    small = 16 if height == 32 else 32
    return (small, small) if height >= small else (height, width)


def batch(name: str, size: tuple[int, int] | None = None) -> tuple[Tensor, Tensor]:
    """Return four images of a size, by default the smallest, and labels or masks."""
    generator, entry = torch.Generator().manual_seed(1), MODELS[name]
    size = size or smallest(name)
    images = torch.randn(IMAGES, entry.info.input[0], *size, generator=generator)
    labels = torch.randint(CLASSES, (IMAGES,), generator=generator)
    if entry.info.task == "segmentation":
        # One class an image: some see an eighth of its size, and cannot tell neighbouring pixels apart.
        return images, labels.view(IMAGES, 1, 1).expand(IMAGES, *size)
    return images, labels


class Trial(NamedTuple):
    """A network with images and targets that it takes."""

    model: nn.Module
    images: Tensor
    targets: Tensor


@functools.lru_cache(maxsize=1)
def trial(name: str, _builder: Callable[..., nn.Module]) -> Trial:
    """Return what contracts share, as a large network takes seconds to build; they may train it."""
    model, own = without_chance(made(name)), MODELS[name].info.input[1:]
    try:
        with torch.no_grad():
            model(batch(name)[0])
    except (RuntimeError, ValueError, IndexError, AssertionError):
        return Trial(model, *batch(name, own))  # it takes images of its own size alone
    return Trial(model, *batch(name))


@contract("model")
def describes_itself(subject: Subject) -> None:
    """It has a summary, a paper, a year, and the images that it was made for."""
    entry = subject.entry
    require(entry.summary, "neither register(..., summary=...) nor a docstring says what it is")
    require(entry.info.paper, "register(..., paper=...) says not where it is from")
    size = entry.info.input
    require(len(size) == 3 and min(size) > 0, f"input is channels, height and width; found {size}")
    require(entry.info.task in ("classification", "segmentation"), f"there is no task '{entry.info.task}'")


@contract("model")
def says_its_options(subject: Subject) -> None:
    """Each option has a type, a default that may be given, and a meaning."""
    name, entry = subject.entry.name, subject.entry
    own = options_of(entry.target)
    for row in network_options(ModelConfig(name=name)):
        key, default = row["key"].removeprefix("options."), row["default"]
        require(len(row["meaning"].split()) > 1, f"option '{key}' has no line below Options:")
        require(not row["meaning"].endswith("."), f"the line of option '{key}' ends with two full stops")
        if key in own and default is not None:
            convert_options(name, entry.target, {key: default}, entry.info.fixed)
        if key == row["key"] in ModelConfig.model_fields:
            ModelConfig.model_validate({"name": name, key: default})


@contract("model")
def answers(subject: Subject) -> None:
    """It gives logits [N, classes] of images, or [N, classes, H, W] if it finds masks."""
    model, images, targets = trial(subject.entry.name, subject.entry.target)
    with torch.no_grad():
        output = model(images)
    shape = (IMAGES, CLASSES, *targets.shape[1:])
    found = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
    require(isinstance(output, Tensor) and output.shape == shape, f"found {found}, not {list(shape)}")


@contract("model")
def learns(subject: Subject) -> None:
    """Loss and gradients are finite, reach the first layer, and a step along them lowers the loss."""
    model, images, targets = trial(subject.entry.name, subject.entry.target)
    require_learning(model, (images, targets))


@contract("model")
def is_saved(subject: Subject) -> None:
    """Saved weights give the same result when they are loaded, also in bfloat16 a finite one."""
    model, images, _ = trial(subject.entry.name, subject.entry.target)
    again = made(subject.entry.name)
    with torch.no_grad():
        model.train()(images)  # moves what is averaged over batches
        again.load_state_dict(model.state_dict())
        same = torch.equal(again.eval()(images), model.eval()(images))
        require(same, "what it computes by is not in its state_dict, or chance is left in evaluation")
        with torch.autocast("cpu", torch.bfloat16):
            require(again(images).isfinite().all(), "the result in bfloat16 is not finite")


@contract("model")
def takes_what_the_data_has(subject: Subject) -> None:
    """It is built for as many classes and channels as the data has."""
    name, size = subject.entry.name, subject.entry.info.input[1:]
    for channels, classes in ((1, 10), (3, 2)):
        with torch.device("meta"):
            model = build_model(name, classes, channels)
            try:
                outputs = model(torch.empty(2, channels, *size)).shape[1]
            except (RuntimeError, ValueError) as error:
                raise InputError(f"with {channels} channels: {error}") from None
        shared = subject.entry.info.task == "segmentation" and classes == 2  # both have one logit
        require(outputs == (1 if shared else classes), f"of {classes} classes it tells {outputs} apart")


@contract("model")
def is_counted(subject: Subject) -> None:
    """Its parameters, multiply-adds and memory can be counted at the images that it was made for."""
    row = describe_model(subject.entry.name)
    require(row["parameters"] > 0, "it has no parameters")
    require(not row["problem"], f"{row['problem']}")


@contract("model")
def has_its_sites(subject: Subject) -> None:
    """Where it takes a connection it has numbered sites, and every connection that fits can stand there."""
    entry = subject.entry
    if entry.info.connection is None:
        raise NotTried("it takes no connection")
    for fit in connections_that_fit(entry):
        with without_content():
            found = [*sites(made(entry.name, connection=fit)).values()]
        require(found, "it has no sites")
        kinds = {type(each) for each in found}
        require(CONNECTIONS[fit].target in kinds, f"with {fit} its sites are {kinds}")
        for total in {each.site.total for each in found}:  # long skips are counted apart from blocks
            numbers = {each.site.index for each in found if each.site.total == total}
            require(numbers == {*range(total)}, f"of {total} sites there are the numbers {numbers}")

"""What every architecture keeps, on small images where it takes them."""

from __future__ import annotations

import torch
from torch import Tensor

from skiprun.config import ModelConfig
from skiprun.connections import sites
from skiprun.errors import InputError
from skiprun.experiment.contracts.contract import NotTried, Subject, contract, require
from skiprun.experiment.contracts.model_trial import CLASSES, IMAGES, small_model, trial
from skiprun.experiment.contracts.training_step import require_learning
from skiprun.models import build_model
from skiprun.models.complexity.catalog import describe_model
from skiprun.models.complexity.meta import without_content
from skiprun.models.option_rows import network_options
from skiprun.models.options import convert_options, options_of
from skiprun.models.surgery import connections_that_fit
from skiprun.registry import CONNECTIONS


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
    again = small_model(subject.entry.name)
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
            found = [*sites(small_model(entry.name, connection=fit)).values()]
        require(found, "it has no sites")
        kinds = {type(each) for each in found}
        require(CONNECTIONS[fit].target in kinds, f"with {fit} its sites are {kinds}")
        for total in {each.site.total for each in found}:  # long skips are counted apart from blocks
            numbers = {each.site.index for each in found if each.site.total == total}
            require(numbers == {*range(total)}, f"of {total} sites there are the numbers {numbers}")

"""What every dataset keeps, of whatever images are there."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from skiprun.config import DataConfig
from skiprun.data import Loaders, load_data
from skiprun.errors import DataNotFound, OptionError
from skiprun.experiment.contracts.contract import NotTried, Subject, contract, require

CPU = torch.device("cpu")
BATCH = 8


def loaders_of(subject: Subject, split_seed: int = 0, **options: Any) -> Loaders:
    """Return the loaders of a dataset on the CPU."""
    place = {} if subject.root is None else {"root": str(subject.root)}
    config = DataConfig(name=subject.entry.name, **{"batch_size": BATCH, **place, **options})
    try:
        return load_data(config, CPU, split_seed=split_seed)
    except DataNotFound as error:
        raise NotTried(f"{error} Name its folder with --root.") from None
    except OptionError as error:
        if error.key == "root":
            raise NotTried(f"{error}; name its folder with --root") from None
        raise


def everything(loaders: Loaders, split: str) -> tuple[Tensor, Tensor]:
    """Return all images and targets of a split, as they are scored."""
    images, targets = zip(*loaders.batches(split, 7), strict=True)
    return torch.cat(images), torch.cat(targets)


@contract("dataset")
def describes_itself(subject: Subject) -> None:
    """It has a docstring, and says the shape of its images."""
    require(subject.entry.summary, "it has no docstring")
    require(subject.entry.info.shape, "register(..., shape=...) says not how large its images are")


@contract("dataset")
def is_what_it_says(subject: Subject) -> None:
    """Task, classes and shape are those that it is registered with."""
    loaders, info = loaders_of(subject), subject.entry.info
    require(loaders.task == info.task, f"its task is {loaders.task}, registered as {info.task}")
    require(len(loaders.class_names) == loaders.num_classes, "it has not a name for each class")
    if info.classes is not None:
        shape = "x".join(map(str, loaders.image_shape))
        require(info.classes == loaders.num_classes, f"it has {loaders.num_classes} classes")
        require(info.shape == shape, f"its images are {shape}, registered as {info.shape}")


@contract("dataset")
def has_three_splits(subject: Subject) -> None:
    """Its three splits have images uint8 [C, H, W] and targets int64 below the number of classes."""
    loaders = loaders_of(subject)
    for name in ("train", "val", "test"):
        split = getattr(loaders, name)
        images, targets = split.take(torch.tensor([0, len(split) - 1, 0]))
        require(images.shape == (3, *loaders.image_shape), f"{name} has images of {list(images.shape[1:])}")
        require(images.dtype == torch.uint8, f"the images of {name} are {images.dtype}")
        require(torch.equal(images[0], images[2]), f"one number of {name} gives two images")
        if loaders.task == "classification":
            require(targets.shape == (3,) and targets.dtype == torch.int64, f"the labels of {name}")
            require(targets.min() >= 0 and targets.max() < loaders.num_classes, f"a label of {name}")


@contract("dataset")
def is_scored_whole(subject: Subject) -> None:
    """Batches are the whole split in stored order, normalized."""
    loaders = loaders_of(subject)
    images, targets = everything(loaders, "test")
    stored, expected = loaders.test.take(torch.arange(len(loaders.test)))
    require(torch.equal(targets, expected), "the targets are not those that are stored")
    require(torch.equal(images, loaders.normalize(stored)), "the images are not those that are stored")


@contract("dataset")
def is_normalized_by_training(subject: Subject) -> None:
    """The normalized training split has mean 0 and deviation 1."""
    images, _ = everything(loaders_of(subject), "train")
    mean, std = images.double().mean((0, 2, 3)), images.double().std((0, 2, 3), correction=0)
    require(mean.abs().max() < 1e-5, f"the mean is {mean.abs().max():.2g}")
    require((std - 1).abs().max() < 1e-5 or std.min() == 0, f"the deviation is {std.max():.2g}")


@contract("dataset")
def is_split_by_its_seed(subject: Subject) -> None:
    """The same seed splits it alike, another one otherwise, and no seed changes the test split."""
    first, again, other = loaders_of(subject), loaders_of(subject), loaders_of(subject, split_seed=1)
    require(first.fingerprint == again.fingerprint, "loaded twice, it is other data")
    require(first.fingerprint != other.fingerprint, "another seed splits it alike")
    require(torch.equal(everything(first, "val")[0], everything(again, "val")[0]), "val is not repeated")
    tests = [loaders.test.take(torch.arange(len(loaders.test)))[0] for loaders in (first, other)]
    require(torch.equal(*tests), "another seed changes the test split")


@contract("dataset")
def repeats_its_batches(subject: Subject) -> None:
    """A training batch is a function of the numbers that are asked for and of torch's seed."""
    loaders, index = loaders_of(subject, augment={"flip": True}), torch.tensor([1, 0, 1])
    found = []
    for _ in range(2):
        torch.manual_seed(0)
        found.append(loaders.train_batch(index)[0])
    require(torch.equal(*found), "the same seed gives two batches")
    require(found[0].shape == (3, *loaders.image_shape), f"a batch is {list(found[0].shape)}")
    require(found[0].dtype == torch.float32, f"a batch is {found[0].dtype}")

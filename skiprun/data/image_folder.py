"""Any folder of pictures: train/<class>/, test/<class>/ and perhaps val/<class>/, decoded once into the cache."""

from __future__ import annotations

import torch

from skiprun.config import DataConfig
from skiprun.data.assemble import assemble
from skiprun.data.decoding import leave_out
from skiprun.data.folder_cache import decoded
from skiprun.data.listing import list_pictures
from skiprun.data.loaders import Loaders
from skiprun.data.place import folder_of
from skiprun.data.source import Portion, Progress, Source
from skiprun.errors import InputError, OptionError
from skiprun.registry import DATASETS


@DATASETS.register(
    "image_folder",
    task="classification",
    classes=None,
    shape="3 x any",
    size=None,
    train=None,
    test=None,
    download=None,
    paper=None,
)
def image_folder(config: DataConfig, device: torch.device, progress: Progress) -> Loaders:
    """Your own pictures: data.root holds train/<class>/, test/<class>/ and perhaps val/<class>/."""
    if config.root is None:
        raise OptionError("root", "image_folder needs the folder of the pictures, such as data.root=~/pictures")
    listing = list_pictures(folder_of(config.root))
    if len(listing.class_names) < 2:
        raise InputError(f"{listing.root} has one class, {listing.class_names[0]}; add a folder for each other class.")
    cached = decoded(listing, config.image_size, progress, config.skip_bad)
    leave_out(cached.bad, len(listing.files))
    listing = cached.listing
    portions = {
        split: Portion(cached.pictures[rows], listing.targets(split), cached.moments[rows])
        for split, rows in listing.bounds.items()
    }
    source = Source(
        train=portions["train"],
        test=portions["test"],
        val=portions.get("val"),
        class_names=listing.class_names,
        content=f"{cached.content} {listing.digest(of_times=False)} {config.image_size}",
    )
    return assemble(source, config, device)

"""Any folder of images: train/<class>/, val/<class>/ and test/<class>/, decoded once into the cache.

Where val or test is not there, the other one is tested on, and validation is taken from train. A folder of
nothing but classes is split by `test_fraction` and `seeds.split`.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from skiprun.data.download.place import folder_of
from skiprun.data.folders.decoding import leave_out
from skiprun.data.folders.folder_cache import decoded
from skiprun.data.folders.listing import list_images
from skiprun.data.folders.remarks import tell_losses
from skiprun.data.labelled_files import LabelledFiles, conversion_of, load_labelled
from skiprun.data.loaders import Loaders
from skiprun.data.request import DataRequest
from skiprun.data.source import RawSplit
from skiprun.errors import InputError, OptionError
from skiprun.registry import DATASETS
from skiprun.system.progress import ProgressCallback


@DATASETS.register("image_folder", shape="3 x any", resizes=True)
def image_folder(config: DataRequest, device: torch.device, progress: ProgressCallback) -> Loaders:
    """Your own images: data.root holds train/<class>/ and test/<class>/ or val/ or both, or just <class>/."""
    if config.root is None:
        raise OptionError("root", "image_folder needs the folder of the images, such as data.root=~/images")
    listing = list_images(folder_of(config.root))
    if len(listing.class_names) < 2:
        raise InputError(
            f"{listing.root} has one class, {listing.class_names[0]}; add a folder for each other class."
        )
    how = conversion_of(config)
    cached = decoded(listing, config.stored_size, progress, config.skip_bad, how.fit, how.background)
    how = replace(how, span=cached.span)
    listing.unused.tell(listing.root)
    leave_out(cached.bad, len(listing.files))
    listing = cached.listing
    tell_losses(cached.tally, how, len(listing.files))
    splits = {
        split: RawSplit(
            cached.images[rows], listing.targets(split), cached.moments[rows], listing.files[rows]
        )
        for split, rows in listing.bounds.items()
    }
    content = f"{cached.content} {listing.digest(of_times=False)}"
    names = listing.class_names
    return load_labelled(
        LabelledFiles(str(listing.root), names, splits, content, how, cached.tally), config, device
    )

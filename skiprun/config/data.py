"""The sections `data` and `segmentation`: which images, how they are augmented, how masks are learned."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from skiprun.config.augment import AugmentConfig
from skiprun.config.fields import (
    Colour,
    Count,
    DatasetName,
    Labels,
    NonNegative,
    Role,
    Section,
    Text,
)


class DataConfig(Section):
    """Which images, in which splits."""

    name: DatasetName = Field(description="a dataset of `skiprun datasets`", examples=["cifar10"])
    root: Annotated[Text | None, Role.EXECUTION] = Field(
        None,
        description="folder of the images; default: the cache in $SKIPRUN_DATA",
        examples=["path/to/images"],
    )
    download: Annotated[bool, Role.EXECUTION] = Field(
        False, description="may fetch the dataset from its official place"
    )
    batch_size: Count = Field(128, description="images a step, over all micro-batches")
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="share of train kept for validation, stratified; unused where the set has its own"
    )
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.2,
        description="share of a flat folder kept for testing, stratified; unused where there are splits",
    )
    folds: Annotated[int, Field(ge=2, le=100)] | None = Field(
        None,
        description="parts that all images are divided into, stratified and by whole subjects, for "
        "cross-validation: seed 0 tests the first part, seed 1 the second, and after the last all is divided "
        "anew; default: the dataset's own test split",
        examples=[5],
    )
    image_size: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None, description="side in pixels, for folders", examples=[224]
    )
    resize_size: Annotated[int, Field(ge=4, le=4096)] | None = Field(
        None,
        description="side that images with labels are brought to before image_size is cropped from them: "
        "by augment.random_resized_crop in training, else from the middle; default: image_size",
        examples=[256],
    )
    fit: Literal["crop", "pad", "resize", "tile"] | None = Field(
        None,
        description="how images come to image_size: with labels crop (default), pad or resize; "
        "with masks resize (default) or tile",
        examples=["pad"],
    )
    background: Colour = Field(
        "white", description="colour under transparency and beside padded images", examples=["black"]
    )
    classes: Labels | None = Field(
        None,
        description=(
            "names of the mask values 0, 1, ...; default: background and object, of masks with two values"
        ),
        examples=[["background", "cell"]],
    )
    only_classes: Labels | None = Field(
        None,
        description="names of the classes to use, of a dataset with labels, as [0, 1, 2, 3, 4] of digits",
        examples=[["0", "1", "2"]],
    )
    ignore_index: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="mask value of pixels that neither teach nor count", examples=[255]
    )
    instances: bool = Field(
        False, description="mask values number the objects: all but 0 are one class, object"
    )
    image_dir: Text = Field(
        "images", description="folder of the images that have masks, within a split's", examples=["frames"]
    )
    mask_dir: Text = Field(
        "masks",
        description="folder of the masks, beside image_dir; where both are '.', mask_suffix tells masks",
        examples=["labels"],
    )
    mask_suffix: str | None = Field(
        None,
        description="what the name of a mask has more than that of its image: _mask for a.jpg and a_mask.png",
        examples=["_mask"],
    )
    subject: str | None = Field(
        None,
        description=(
            "regular expression that finds, in the paths of images, who or what is shown (its first group, "
            "or all that matches): validation is taken by whole subjects"
        ),
        examples=[r"p(\d+)_"],
    )
    border_weight: NonNegative = Field(
        0.0,
        description=(
            "extra weight in training of pixels between objects, w0 of Ronneberger 2015; the paper has 10"
        ),
        examples=[10.0],
    )
    skip_bad: bool = Field(False, description="leave images and masks that cannot be used out, and list them")
    augment: AugmentConfig = Field(
        default_factory=AugmentConfig, description="random changes of training images"
    )


class SegmentationConfig(Section):
    """How masks are learned and scored; other tasks do not look at it."""

    loss: Literal["cross_entropy", "dice", "sum"] = Field(
        "sum", description="cross entropy, 1 - Dice, or both added", examples=["dice"]
    )
    boundary_tolerance: Annotated[int, Field(ge=0, le=32)] = Field(
        1, description="rows and columns that a boundary pixel may be off to count as found, a square"
    )

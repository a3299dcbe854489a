"""EXIF orientation of images and masks: a mask without its image's tag is ambiguous."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from skiprun.errors import BadImage

# By the orientation tag of EXIF, what a viewer does with the pixels as they are stored.
TURNED = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "mirrored",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 90 degrees",
    8: "turned by 90 degrees",
}
QUARTER_TURNS = (5, 6, 7, 8)
WAY_OUT = "Save the image without the tag, as its mask shows it, or give the mask the same tag"


@dataclass(frozen=True)
class OrientedFile:
    """A file, its height and width the right way up, and the orientation tag by which it was turned."""

    path: Path
    size: tuple[int, ...]
    tag: int


def check_orientation(image: OrientedFile, mask: OrientedFile) -> None:
    """Refuse a mask that was, or may have been, drawn on the pixels of its image as they are stored.

    Raises:
        BadImage: with the tag, and the ways out.
    """
    if image.tag not in TURNED or mask.tag in TURNED:
        return
    what = f"the orientation tag {image.tag} of {image.path} (shown {TURNED[image.tag]})"
    if image.tag in QUARTER_TURNS and image.size[0] != image.size[1]:
        if mask.size == image.size[::-1]:
            raise BadImage(mask.path, f"has the size that the stored pixels have without {what}. {WAY_OUT}")
    elif mask.size == image.size:
        raise BadImage(
            mask.path, f"may have been drawn with or without {what}; the size does not tell. {WAY_OUT}"
        )

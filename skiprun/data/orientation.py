"""Orientation tags: a mask without its image's tag may have been drawn on the pixels as stored, or as shown."""

from __future__ import annotations

from pathlib import Path

from PIL import ExifTags, Image

from skiprun.data.opening import FORMATS
from skiprun.errors import BadPicture

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


def orientation(path: Path) -> int:
    """Return the orientation tag of a file, 1 where it is shown as it is stored."""
    with Image.open(path, formats=FORMATS) as header:
        return int(header.getexif().get(ExifTags.Base.Orientation, 1))


def check_orientation(image: Path, shown: tuple[int, ...], mask: Path, drawn: tuple[int, ...]) -> None:
    """Refuse a mask that was, or may have been, drawn on the pixels of its image as they are stored.

    Args:
        image: a file, and `shown` its height and width the right way up.
        mask: a file, and `drawn` its height and width.

    Raises:
        BadPicture: with the tag, and the ways out.
    """
    tag = orientation(image)
    if tag not in TURNED or orientation(mask) in TURNED:
        return
    what = f"the orientation tag {tag} of {image} (shown {TURNED[tag]})"
    if tag in QUARTER_TURNS and shown[0] != shown[1]:
        if drawn == shown[::-1]:
            raise BadPicture(mask, f"has the size that the stored pixels have without {what}. {WAY_OUT}")
    elif drawn == shown:
        raise BadPicture(mask, f"may have been drawn with or without {what}; the size does not tell. {WAY_OUT}")

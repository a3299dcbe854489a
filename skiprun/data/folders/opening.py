"""Open image files safely, by formats of Pillow that run no outside code.

Pillow also knows formats that start other programs (PostScript starts Ghostscript) or wait for a handler, and
it looks at the content, not at the name. This module does not import torch.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from pathlib import Path

from PIL import ExifTags, Image, ImageFile, ImageOps, UnidentifiedImageError

from skiprun.errors import BadImage

PLAIN = {"AVIF", "BMP", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "QOI", "SGI", "SUN"}
PLAIN |= {"TGA", "TIFF", "WEBP"}
HALVED = "skiprun halved"
PAGES = "skiprun pages"
ORIENTATION = "skiprun orientation"
EIGHT_BITS = ("L", "LA", "RGB", "RGBA", "CMYK")
_ENDINGS = Image.registered_extensions()
# AVIF and WebP are not in every build of Pillow.
FORMATS = sorted(PLAIN & Image.OPEN.keys())
# By ending; .mpo holds JPEGs behind each other, of which the first is read.
SUFFIXES = {ending: name for ending, name in _ENDINGS.items() if name in FORMATS} | {".mpo": "JPEG"}


def read_file(path: Path) -> bytes:
    """Return the bytes of an image's file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadImage(path, f"cannot be read ({error.strerror or error})") from None


def open_image(path: Path, content: bytes) -> Image.Image:
    """Return an image of any mode, decoded, the right way up; one of absurd size is refused before that.

    Its `info` says under HALVED whether its colours have 16 bits, of which Pillow gives the upper 8, under
    PAGES whether it is the first of several, and under ORIENTATION by which tag it was turned.

    Raises:
        BadImage: of none of the formats, damaged, or implausibly large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata; of its size, see below
            image = _open_by_name(path, content)
            if image.width * image.height > (Image.MAX_IMAGE_PIXELS or math.inf):
                raise Image.DecompressionBombError
            if image.mode in EIGHT_BITS and any(";16" in str(tile.args) for tile in image.tile):
                image.info[HALVED] = True
            if getattr(image, "is_animated", False):
                image.info[PAGES] = True
            image.load()
            image.info[ORIENTATION] = turned = image.getexif().get(ExifTags.Base.Orientation, 1)
            if turned != 1:  # which would read the tags again, of each image
                ImageOps.exif_transpose(image, in_place=True)
            return image
    except Image.DecompressionBombError:
        raise BadImage(
            path, f"is too large; {Image.MAX_IMAGE_PIXELS:,} pixels are the limit. Cut it into parts"
        ) from None
    except UnidentifiedImageError:
        raise BadImage(path, f"is not a readable image (none of {' '.join(FORMATS)})") from None
    # Decoders raise anything at damaged bytes: OSError, SyntaxError, ValueError, struct.error ...
    except Exception as error:
        raise BadImage(path, f"is not a readable image ({error})") from None


def _open_by_name(path: Path, content: bytes) -> ImageFile.ImageFile:
    """Open an image by the format of its name, or else by any: trying all takes as long as the decoding."""
    if named := SUFFIXES.get(path.suffix.lower()):
        with contextlib.suppress(UnidentifiedImageError):
            return Image.open(io.BytesIO(content), formats=[named])
    return Image.open(io.BytesIO(content), formats=FORMATS)

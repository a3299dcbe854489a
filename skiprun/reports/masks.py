"""What networks for masks saw, for the page: images that stay the same, and those where it went worst."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skiprun.results.groups import Group
from skiprun.results.numbers import format_score
from skiprun.results.records import UNREADABLE, RunRecord
from skiprun.system.ordinary_files import read_bytes

MOST_PIXELS = 1000  # of a side; overlays have 640
WIDTH, QUALITY = 352, 18  # of the page: 16 kB where an image is noise
SHOWN = 4  # images of an overlay


@dataclass(frozen=True)
class MaskPicture:
    """Overlays of a run as a WebP file, with the words below them."""

    caption: str
    webp: bytes

    @property
    def uri(self) -> str:
        """The file as an address that holds it."""
        return f"data:image/webp;base64,{base64.b64encode(self.webp).decode()}"


def mask_pictures(groups: Sequence[Group]) -> list[MaskPicture]:
    """Return the overlays of the first run of each network, as far as it drew any."""
    return [
        MaskPicture(f"{group.label}, seed {group.first.seed}: {words}", webp)
        for group in groups
        for words, file in _overlays(group.first)
        if (webp := _as_webp(file)) is not None
    ]


def _overlays(record: RunRecord) -> Iterator[tuple[str, Path]]:
    """Yield the last overlays of the images that stay the same, and those of the worst."""
    for file in sorted(record.run.overlays.glob("epoch-*.png"))[-1:]:
        epoch = file.stem.removeprefix("epoch-").lstrip("0")
        yield f"the same images of the validation split, after epoch {epoch}", file
    if (worst := record.run.overlays / "worst.png").exists():
        yield f"the test images where it is worst{_lowest(record)}", worst


def _lowest(record: RunRecord) -> str:
    """Return the lowest scores, where the run kept what each image scored."""
    if record.images is None:
        return ""
    scores = [format_score(score, record.images.name) for score in sorted(record.images.values)[:SHOWN]]
    return f", {record.images.name} from top to bottom {', '.join(scores)}"


def _as_webp(file: Path) -> bytes | None:
    """Return a picture as small as a page needs it; None where it is none, or none of ours."""
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(read_bytes(file)), formats=["png"])
        if max(picture.size) > MOST_PIXELS:
            return None
        buffer = io.BytesIO()
        height = round(WIDTH * picture.height / picture.width)
        smaller = picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS)
        smaller.save(buffer, format="webp", quality=QUALITY, method=6)
    except (*UNREADABLE, Image.DecompressionBombError):
        return None
    return buffer.getvalue()

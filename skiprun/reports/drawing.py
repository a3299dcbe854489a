"""A figure as files, and as an element of a page."""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skiprun.palette import STYLE
from skiprun.system.files import write_bytes, write_text

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.figure import Figure

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its files, and the words below it."""

    name: str
    caption: str
    figure: Figure

    def write(self, folder: Path) -> Path:
        """Write the figure as PNG, and as SVG and PDF for papers and slides; return the PNG file.

        Raises:
            StorageError: the folder cannot be written.
        """
        file = folder / f"{self.name}.png"
        write_bytes(file, self.png())
        write_text(file.with_suffix(".svg"), self._svg_file)
        write_bytes(file.with_suffix(".pdf"), self._saved("pdf", CreationDate=None))
        return file

    def png(self) -> bytes:
        """Return the figure as a PNG file."""
        return self._saved("png", Software=None)

    def svg(self) -> str:
        """Return the figure as an element of a page: its ink is the page's."""
        return for_page(self._svg_file)

    @cached_property
    def _svg_file(self) -> str:
        return self._saved("svg", Date=None).decode()

    def _saved(self, kind: str, **metadata: None) -> bytes:
        """Return a file of one kind, whose text stays text; a figure drawn again gives the same bytes."""
        from matplotlib import rc_context

        buffer = io.BytesIO()
        fonts = {"svg.fonttype": "none", "svg.hashsalt": self.name}
        # ticks are made while drawing
        with rc_context({**STYLE, **fonts}), lacking_signs_in_words(f"{self.name}.{kind}", kind != "svg"):
            self.figure.savefig(buffer, format=kind, transparent=kind == "svg", metadata=metadata)
        return buffer.getvalue()


@contextmanager
def lacking_signs_in_words(file: str, boxes: bool) -> Iterator[None]:
    """Say once that the font lacks signs of names, which become boxes; matplotlib warns of each."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    others = [each for each in caught if "missing from font" not in str(each.message)]
    for each in others:
        warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if boxes and len(others) < len(caught):
        log.warning(f"{file} shows boxes for signs that matplotlib's font lacks; pages and SVG have them.")


def for_page(svg: str) -> str:
    """Return the SVG file of a figure without what a page says itself: fonts, names of parts, black.

    It takes the width that there is.
    """
    element = svg[svg.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", element, flags=re.DOTALL)
    element = re.sub(r' (?:xmlns(?::xlink)?|version)="[^"]*"|(?<=<g) id="[^"]*"', "", element)
    element = re.sub(r'^<svg width="[^"]*" height="[^"]*"', '<svg fill="currentColor"', element)
    element = re.sub(r"font-family: [^;\"]*;? ?", "", element)
    element = re.sub(r"#(?:000000|262626)\b", "currentColor", element)
    element = re.sub(r"(\d\.\d\d)\d+", r"\1", element)
    element = re.sub(r' transform="rotate\(-0 [^"]*"|<path d="[^"]*" style="fill: none"/>', "", element)
    element = re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=>)\s+(?=<)|\s+(?=\")", "", element))
    element = re.sub(r'style="[^"]*"', lambda style: style[0].replace(": ", ":").replace("; ", ";"), element)
    return re.sub(r"<(g|defs)></\1>", "", element)

"""Pictures in a lesson."""

from __future__ import annotations

import sys
from pathlib import Path


def show(*files: Path, width: int = 640) -> None:
    """Show PNG pictures in a notebook; elsewhere say where they are."""
    in_notebook = "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None
    for file in files:
        if in_notebook:
            from IPython.display import Image, display

            display(Image(file, width=width))
        else:
            print(f"Picture: {file}")

"""The other trainers, in a folder of their own below the user's cache: never a dependency of skiprun.

They are put beside the torch that is installed, without their own dependencies, so that every arm runs one torch.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import platformdirs

# 2.6.2 and 2.6.3 of lightning are not to be installed. tqdm is all that the two need beyond skiprun's own packages.
WANTED = ("timm>=1.0,<2", "lightning>=2.5,!=2.6.2,!=2.6.3", "tqdm")


def folder() -> Path:
    """Return the folder of the peers, installed at the first call."""
    place = platformdirs.user_cache_path("skiprun") / "benchmark-peers"
    if not (place / ".complete").exists():
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--no-deps", "--upgrade", "--target", str(place), *WANTED], check=True)
        (place / ".complete").touch()
    return place


def versions(place: Path) -> dict[str, str]:
    """Return the versions of the peers in a folder."""
    found = {each.name: each.version for each in distributions(path=[str(place)])}
    return {name: found[name] for name in ("timm", "lightning")}

"""The other trainers, in a folder of their own below the user's cache: never a dependency of skiprun.

They are put beside the torch that is installed, without their own dependencies, so that every arm runs one
torch. Where both are installed beside it already, those are taken.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import platformdirs

NAMES = ("timm", "lightning")
# 2.6.2 and 2.6.3 of lightning are not to be installed. tqdm is all that the two need beyond skiprun's own
# packages.
WANTED = ("timm>=1.0,<2", "lightning>=2.5,!=2.6.2,!=2.6.3", "tqdm")
PLACE = platformdirs.user_cache_path("skiprun") / "benchmark-peers"


def folder() -> Path | None:
    """Return the folder of the peers, installed at the first call; None where python finds them without.

    Raises:
        CalledProcessError: they cannot be installed.
    """
    if all(map(find_spec, NAMES)):
        return None
    if not (PLACE / ".complete").exists():
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--retries",
            "1",
        ]
        subprocess.run([*command, "--no-deps", "--upgrade", "--target", str(PLACE), *WANTED], check=True)
        (PLACE / ".complete").touch()
    return PLACE


def versions() -> dict[str, str]:
    """Return the versions of the peers that are here."""
    where = None if all(map(find_spec, NAMES)) else [str(PLACE)]
    found = {each.name: each.version for each in (distributions(path=where) if where else distributions())}
    return {name: found[name] for name in NAMES if name in found}

"""The other trainers, in a folder of their own below the user's cache: never a dependency of skiprun.

They are put beside the torch that is installed, without their own dependencies, so that every arm runs one
torch. One that is installed beside it already is taken.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import platformdirs

NAMES = ("timm", "lightning", "webdataset")
# 2.6.2 and 2.6.3 of lightning are not to be installed. tqdm and braceexpand are all that they need beyond
# skiprun's own packages.
WANTED = ("timm>=1.0,<2", "lightning>=2.5,!=2.6.2,!=2.6.3", "tqdm", "webdataset>=1.0,<2", "braceexpand")
PLACE = platformdirs.user_cache_path("skiprun") / "benchmark-peers"
PIP = ("pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--no-deps", "--upgrade")


class NotInstalled(Exception):
    """A peer that is not on this machine."""


def folder(name: str, install: bool = True) -> Path | None:
    """Return the folder of a peer; None where python finds it without.

    Args:
        name: of its package.
        install: install both where they are not; a machine with a GPU may have no network.

    Raises:
        NotInstalled: it is not there, and cannot or may not be installed.
    """
    if find_spec(name):
        return None
    if not is_complete():
        if not install:
            raise NotInstalled(f"{name} is not installed")
        try:
            subprocess.run([sys.executable, "-m", *PIP, "--target", str(PLACE), *WANTED], check=True)
        except subprocess.CalledProcessError:
            raise NotInstalled(f"{name} could not be installed") from None
        (PLACE / ".complete").write_text("\n".join(WANTED))
    return PLACE


def is_complete() -> bool:
    """Tell whether all that is wanted now was installed."""
    complete = PLACE / ".complete"
    return complete.exists() and complete.read_text().split("\n") == [*WANTED]


def versions() -> dict[str, str]:
    """Return the versions of the peers that are here."""
    found = {each.name: each.version for each in distributions(path=[str(PLACE), *sys.path])}
    return {name: found[name] for name in NAMES if name in found}

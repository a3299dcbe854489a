"""Eight seeds of resnet20 beside one, as `skiprun compare` trains them on one GPU: seconds, and their ratio.

The images are noise in a folder, as the processes of a comparison know nothing of this one. Time runs from
the begin of the first run to the end of the last: what starts before is the same for one and eight.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks import material
from benchmarks.folders import make_folder
from benchmarks.measure import ROOT, Setting, Skipped
from skiprun.run import find_runs

SEEDS, EPOCHS = 8, 20

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the one part."""
    return {f"{SEEDS}-seeds": partial(run, setting)}


def run(setting: Setting) -> list[Row]:
    """Return the seconds of one seed and of eight.

    Raises:
        Skipped: this is a CPU, on which seeds share cores but no graph; few rounds try the way.
    """
    if not (setting.gpu or setting.quick):
        raise Skipped("seeds are trained side by side on a GPU alone")
    with tempfile.TemporaryDirectory() as name:
        make_folder(Path(name) / "images", 10 * setting.batch if setting.quick else setting.images)
        seconds = {number: taken(number, Path(name), setting) for number in (1, SEEDS)}
    return [
        {"seeds": number, "seconds": spent, "times_one": spent / seconds[1]}
        for number, spent in seconds.items()
    ]


def taken(seeds: int, folder: Path, setting: Setting) -> float:
    """Return the seconds in which a comparison trains so many seeds on the images of a folder."""
    schedule = {"epochs": 1 if setting.quick else EPOCHS}
    config = material.experiment({"name": "resnet20"}, setting.batch, setting.device, schedule=schedule)
    plain = config.to_dict()
    plain["data"] |= {"name": "image_folder", "root": str(folder / "images")}
    protocol, runs = folder / "protocol.yaml", folder / f"runs-{seeds}"
    protocol.write_text(yaml.safe_dump(plain))
    command = [sys.executable, "-m", "skiprun", "compare", "resnet20", "--config", str(protocol), "--quiet"]
    command += ["--seeds", str(seeds), "--runs", str(runs)]
    environment = os.environ | {"SKIPRUN_DATA": str(folder / "cache")}
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    found = find_runs(runs)
    begun = min(each.environment_file.stat().st_mtime for each in found)
    return max(each.summary_file.stat().st_mtime for each in found) - begun

"""A folder of a million images against one of ten thousand: the memory and the start of a short training."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measure import ROOT, Setting

CLASSES = 10
STEPS = 40


def run(setting: Setting) -> list[dict[str, Any]]:
    """Return the largest resident memory and the seconds of a run, images to decode first, then decoded."""
    rows = []
    for count in (1_000, 10_000) if setting.quick else (10_000, 1_000_000):
        with tempfile.TemporaryDirectory() as name:
            make_folder(Path(name) / "images", count)
            for state in ("to decode", "decoded"):
                rows.append({"images": f"{count:,} {state}"} | train(Path(name)))
    return rows


def make_folder(root: Path, count: int) -> None:
    """Make a folder of so many files, which are links to a few thousand images of 32x32."""
    generator = np.random.default_rng(0)
    sources = root.parent / "sources"
    sources.mkdir()
    for split, number in (("train", count), ("test", 1000)):
        for index in range(number):
            source = sources / f"{index % 5000}.png"
            if not source.exists():
                Image.fromarray(generator.integers(0, 256, (32, 32, 3)).astype(np.uint8)).save(source)
            folder = root / split / str(index % CLASSES)
            if index < CLASSES:
                folder.mkdir(parents=True)
            os.link(source, folder / f"{index}.png")


def train(place: Path, dataset: str = "image_folder") -> dict[str, float]:
    """Train some steps on place/images and return the memory and the time of the whole process."""
    sets = {
        "data.name": dataset,
        "data.root": place / "images",
        "data.val_fraction": 0.01,
        "schedule.epochs": "null",
        "schedule.steps": STEPS,
    }
    command = [sys.executable, "-m", "skiprun", "train", "configs/smoke.yaml", "--fresh", "--quiet"]
    command += ["--runs", str(place / "runs")]
    command += [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    environment = os.environ | {"SKIPRUN_DATA": str(place / "cache")}
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, "training failed"
    return {"peak_mb": usage.ru_maxrss / 1024, "seconds": time.perf_counter() - started}

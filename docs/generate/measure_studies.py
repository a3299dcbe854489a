"""Run the command of each study card, and keep what it says, what it draws and what it costs."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from docs.generate.figures_small import smaller
from docs.generate.measured import FIGURES, StudyFound
from docs.generate.study_sources import StudySource
from skiprun.system.files import write_bytes


def make(source: StudySource, runs: Path) -> StudyFound:
    """Make one study, and keep the figures that its card shows."""
    before = seconds_of_children()
    shown = call(source.command, runs)
    for file in map(Path, shown["figures"]):
        if file.stem in source.figures:
            write_bytes(FIGURES / file.name, smaller(file.read_bytes()))
    verdicts = {document["label"]: document["verdict"] for document in shown["networks"]}
    return {"seconds": round(seconds_of_children() - before, 1), "verdicts": verdicts}


def call(command: str, runs: Path) -> Any:
    """Run a command of skiprun on one core, and return what it prints."""
    program, *arguments = shlex.split(command)
    assert program == "skiprun"
    done = subprocess.run(
        [sys.executable, "-m", "skiprun", *arguments, "--runs", str(runs), "--json"],
        stdout=subprocess.PIPE,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout)


def seconds_of_children() -> float:
    """Return the processor time of all commands so far: what else the machine does is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime

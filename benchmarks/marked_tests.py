"""The tests that are marked `gpu`: what a simulated GPU cannot show."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from benchmarks.measure import ROOT, Setting, Skipped

Row = dict[str, Any]


def parts(setting: Setting) -> dict[str, Callable[[], list[Row]]]:
    """Return the one part."""
    return {"marked": partial(run, setting)}


def run(setting: Setting) -> list[Row]:
    """Return a row a test.

    Raises:
        Skipped: there is no GPU.
    """
    if not setting.gpu:
        raise Skipped("the tests marked gpu need one")
    files = [file for file in sorted((ROOT / "tests").rglob("test_*.py")) if "mark.gpu" in file.read_text()]
    return outcomes([*map(str, files), "-m", "gpu"], setting.limit)


def outcomes(arguments: list[str], limit: float = math.inf) -> list[Row]:
    """Return what becomes of tests, by name."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-p", "no:cacheprovider", "--tb=short", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        subprocess.run(command, cwd=ROOT, stdout=sys.stderr, timeout=None if math.isinf(limit) else limit)
        return [outcome(case) for case in ElementTree.parse(report).iter("testcase")]


def outcome(case: ElementTree.Element) -> Row:
    """Return a row of pytest's report."""
    others = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
    ended = others[0] if others else "passed"
    return {"test": case.get("name"), "outcome": ended, "seconds": float(case.get("time", 0))}

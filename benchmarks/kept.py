"""Results in a folder: a JSON file a benchmark, of one machine, one torch and one driver; never mixed.

A second start measures what is missing. Each part bears what it was measured on, with the clocks of the card
and a digest of the code, so that a part of an older code can be told.
"""

from __future__ import annotations

import io
import json
import re
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from benchmarks import bars, report
from benchmarks.measure import ROOT, Setting
from skiprun.system.machine import processor

Row = dict[str, Any]
Part = dict[str, Any]  # its rows, and the machine that they were measured on


class Kept:
    """The results of this machine in a folder."""

    def __init__(self, out: Path, setting: Setting) -> None:
        self.folder, self.setting = out / place_of(setting), setting

    def parts(self, name: str) -> dict[str, Part]:
        """Return the parts of a benchmark that are there."""
        file = self.folder / f"{name}.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def add(self, name: str, part: str, rows: list[Row], machine: dict[str, Any]) -> None:
        """Keep a part; the file is replaced as a whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.json"
        parts = self.parts(name) | {part: {"machine": machine, "rows": rows}}
        half = file.with_suffix(".half")
        half.write_text(json.dumps(parts, indent=1) + "\n")
        half.replace(file)

    def rows(self) -> dict[str, dict[str, list[Row]]]:
        """Return all that is kept, by benchmark and part."""
        files = sorted(self.folder.glob("*.json"))
        kept = {file.stem: self.parts(file.stem) for file in files}
        return {name: {part: each["rows"] for part, each in parts.items()} for name, parts in kept.items()}

    def write_tables(self) -> Path:
        """Write all tables of the folder, with the bars of a GPU, and return the file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = self.rows()
        titled = {name: [row for part in parts.values() for row in part] for name, parts in rows.items()}
        console = Console(record=True, width=report.WIDTH, file=io.StringIO())
        machines = [each["machine"] for name in rows for each in self.parts(name).values()]
        console.print(*machines[-1:])
        codes = sorted({machine["code"] for machine in machines})
        if len(codes) > 1:
            console.print(f"Parts were measured with {len(codes)} versions of the code: {', '.join(codes)}")
        if self.setting.gpu:
            titled["bars"] = bars.table(rows)
        for name, found in titled.items():
            console.print(f"\n{name}", report.table("", found))
        tables = self.folder / "tables.txt"
        tables.write_text(console.export_text())
        return tables


def place_of(setting: Setting) -> str:
    """Return the folder of what may stand in one table: card, driver and torch, or processor and torch."""
    if setting.gpu:
        card = report.graphics()
        machine = f"{card['gpu']} driver {card['driver']} cudnn {card['cudnn']}"
    else:
        machine = f"{processor()} {setting.threads} threads"
    return "-".join(words(f"{machine} torch {torch.__version__} {'quick' if setting.quick else ''}"))


def words(text: str) -> list[str]:
    """Return the words of a text as a file's name can have them."""
    return re.findall(r"[a-z0-9.]+", text.lower())


def code() -> str:
    """Return a digest of the code that is measured."""
    files = sorted(file for folder in ("skiprun", "benchmarks") for file in (ROOT / folder).rglob("*.py"))
    digest = blake2b(digest_size=4)
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()

"""Results as tables, one JSON file and one figure, with machine and versions but no name of the computer."""

from __future__ import annotations

import io
import json
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import torch
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

from benchmarks import peers
from benchmarks.measure import Setting
from skiprun.palette import COLOURS, STYLE
from skiprun.system.machine import cores, processor
from skiprun.training.device import fast_precision, has_matrix_units

RESULTS = Path(__file__).parent / "results"
WIDTH = 160


def machine(setting: Setting) -> dict[str, Any]:
    """Return what the numbers were measured on."""
    return {
        **(graphics() if setting.gpu else {}),
        "processor": processor(),
        "cores": len(cores()),
        "bf16": multiplier(),
        "threads": setting.threads,
        "load at the end": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        **peers.versions(),
    }


def graphics() -> dict[str, Any]:
    """Return the GPU, what drives it, and its clocks now, as far as the driver's tool says them."""
    facts = ["driver_version", "clocks.sm", "clocks.max.sm", "clocks.mem", "power.limit", "temperature.gpu"]
    known = dict.fromkeys(facts, "unknown")
    if tool := shutil.which("nvidia-smi"):
        command = [tool, f"--query-gpu={','.join(facts)}", "--format=csv,noheader"]
        line = subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]
        known |= dict(zip(facts, line.split(", "), strict=False)) if line else {}
    driver, *others = facts
    return {
        "gpu": torch.cuda.get_device_name(),
        "driver": known[driver],
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        **{fact: known[fact] for fact in others},
    }


def stem(name: str, setting: Setting) -> str:
    """Return what the files of a benchmark are called: the kind of machine, and what was measured."""
    if setting.gpu:
        return f"{re.sub(r'[^a-z0-9]+', '-', torch.cuda.get_device_name().lower()).strip('-')}-{name}"
    return f"cpu-{multiplier()}-{name}-{setting.threads}-threads"


def multiplier() -> str:
    """Return what multiplies bf16 here; speeds are compared between machines of one kind only."""
    if has_matrix_units():
        return "amx"
    return "avx512-bf16" if fast_precision(torch.device("cpu")) == "bf16" else "no-bf16"


def table(title: str, rows: list[dict[str, Any]]) -> Table:
    """Return rows as a table; a column of what is not there for some stays empty."""
    columns = dict.fromkeys(key for row in rows for key, value in row.items() if not isinstance(value, list))
    found = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for key in columns:
        words = any(isinstance(row.get(key), str) for row in rows)
        found.add_column(key, justify="left" if words else "right")
    for row in rows:
        found.add_row(*(text(row.get(key, "")) for key in columns))
    return found


def text(value: Any) -> str:
    """Return a cell."""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 1000
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def keep(results: dict[str, Any], stem: str) -> None:
    """Write the JSON, the tables as text, and the figure of the steps."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{stem}.json").write_text(json.dumps(results, indent=2) + "\n")
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(results["machine"])
    for name, rows in results["benchmarks"].items():
        console.print(table(name, rows))
        console.print()
    (RESULTS / f"{stem}.txt").write_text(console.export_text())
    if steps := [row for row in results["benchmarks"].get("steps", []) if "speedup" in row]:
        draw(steps, RESULTS / f"{stem}.png")


def draw(rows: list[dict[str, Any]], file: Path) -> None:
    """Draw the speed of each loop over the classic one, with the range over the rounds; a panel a network."""
    networks = list(dict.fromkeys(row["network"] for row in rows))
    with rc_context(STYLE):
        figure = Figure(figsize=(7, 0.6 * len(networks) + 0.3 * len(rows)))
        for name, axes in zip(networks, figure.subplots(len(networks), squeeze=False).flat, strict=True):
            draw_network(axes, [row for row in rows if row["network"] == name], name)
        figure.savefig(file)


def draw_network(axes: Axes, rows: list[dict[str, Any]], name: str) -> None:
    """Draw the bars of one network."""
    for place, row in enumerate(reversed(rows)):
        low, high = row["speedup_range"]
        colour = COLOURS[0] if row["arm"].startswith("skiprun") else "0.6"
        axes.barh(place, row["speedup"], color=colour)
        axes.plot([low, high], [place, place], color="black", linewidth=1)
        axes.text(high, place, f" {row['speedup']:.2f}", va="center")
    axes.set_yticks(range(len(rows)), [row["arm"] for row in reversed(rows)])
    axes.set_xlabel(f"speed over the classic loop ({rows[0]['clock']} time, {name}, batch 128)")
    axes.grid(axis="y", visible=False)

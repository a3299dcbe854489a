"""The file of a lease: who holds it, and what is done meanwhile; see `Lease`."""

from __future__ import annotations

import contextlib
import json
import platform
import uuid
from pathlib import Path
from typing import Any

BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_machine() -> str:
    """Return what tells this machine, since its start, from others: names are given twice."""
    with contextlib.suppress(OSError):
        return BOOT.read_text().strip()
    return f"{platform.node()} {uuid.getnode()}"


def read_lease(file: Path) -> bytes | None:
    """Return what a lease says; None where there is none. Opening it asks a shared disk for what is new."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def said_in(content: bytes | None) -> dict[str, Any]:
    """Return what a lease says, by key; nothing of one that is just being written."""
    with contextlib.suppress(ValueError):
        said = json.loads(content or b"")
        return said if isinstance(said, dict) else {}
    return {}


def work_of(content: bytes | None) -> str:
    """Return what a holder does, and how far it is."""
    return str(said_in(content).get("work", ""))


def described(content: bytes | None) -> str:
    """Return who holds a lease, and what it does."""
    said = said_in(content)
    if "process" not in said:
        return "another process"
    work = f" ({said['work']})" if said.get("work") else ""
    return f"process {said['process']} on {said.get('name')}{work}"

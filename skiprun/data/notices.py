"""Log messages about the data, with names from outside made safe to print."""

from __future__ import annotations

import logging

from skiprun.errors import printable

log = logging.getLogger(__name__)


def notice(*lines: str, suspicious: bool = False) -> None:
    """Log one message; nothing in it can steer a terminal.

    A suspicious one is of what may make scores worthless; `skiprun data` says it first.
    """
    log.warning("%s", "\n".join(printable(line) for line in lines), extra={"suspicious": suspicious})

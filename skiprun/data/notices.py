"""What a user should know of the data, told through the package's log: the one way for names from outside."""

from __future__ import annotations

import logging

from skiprun.errors import printable

log = logging.getLogger(__name__)


def notice(*lines: str) -> None:
    """Log one message; nothing in it can steer a terminal."""
    log.warning("%s", "\n".join(printable(line) for line in lines))

"""Which log messages are about the data: they come again whenever it is opened, and people need them once."""

from __future__ import annotations

import logging

# The parent of the loggers of skiprun.data; what is said of the data elsewhere goes to it.
data_log = logging.getLogger("skiprun.data")


def is_about_data(record: logging.LogRecord) -> bool:
    """Tell whether a record is about the data."""
    return f"{record.name}.".startswith(f"{data_log.name}.")

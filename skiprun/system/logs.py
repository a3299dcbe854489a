"""Which log messages are about the data: they come again whenever it is opened, and people need them once."""

from __future__ import annotations

import logging

ABOUT_DATA = (
    "skiprun.data.",
    *(f"skiprun.experiment.{name}" for name in ("data_place", "known_data", "matching")),
)


def is_about_data(record: logging.LogRecord) -> bool:
    """Tell whether a record is about the data."""
    return record.name.startswith(ABOUT_DATA)

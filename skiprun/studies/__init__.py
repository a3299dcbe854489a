"""Take a network apart: one published measurement a file, on a copy that nobody else sees."""

from skiprun.studies.base import Figure, StudyResult, needs, options

__all__ = ["Figure", "StudyResult", "needs", "options"]

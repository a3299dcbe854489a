"""Studies analyse a network: one published measurement a file, on an isolated copy."""

from skiprun.studies.base import Figure, StudyResult, needs, options

__all__ = ["Figure", "StudyResult", "needs", "options"]

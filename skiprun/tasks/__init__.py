"""Tasks: the loss, the score and the score's name of a problem."""

from skiprun.tasks.base import Task

__all__ = ["Task"]

"""What the loop must know of a problem: its loss, its score, and the score's name."""

from skiprun.tasks.base import Task

__all__ = ["Task"]

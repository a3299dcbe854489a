"""Look inside while a network trains, and change nothing: one instrument a file, named under `probes`."""

from skiprun.probes.base import Probe

__all__ = ["Probe"]

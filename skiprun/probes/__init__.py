"""Probes measure a network while it trains and change nothing: one a file, named under `probes`."""

from skiprun.probes.base import Probe

__all__ = ["Probe"]

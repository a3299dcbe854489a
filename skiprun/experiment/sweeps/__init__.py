"""Sweeps: settings of a config that are trained with the same seeds, and compared."""

"""Calculations on networks of their own, one law a file: no data, no training run, seconds."""

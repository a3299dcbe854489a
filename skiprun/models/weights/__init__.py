"""Weights to start from, and which of them learn."""

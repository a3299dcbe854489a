"""Scores, labels and masks of a network."""

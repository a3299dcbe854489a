"""Scores, labels and masks of a network; sliding windows."""

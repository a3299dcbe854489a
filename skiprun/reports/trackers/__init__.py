"""Runs as entries of other programs that keep and compare runs: MLflow, trackio, Weights & Biases."""

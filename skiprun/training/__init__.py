"""The loop, the only one, and what it stands on: optimizer, checkpoints, metrics, device."""

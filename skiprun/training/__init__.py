"""The training loop and its parts: optimizer, checkpoints, metrics, device."""

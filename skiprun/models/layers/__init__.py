"""What networks are built of: blocks, norms, activations, first weights."""

"""Building blocks of networks: blocks, norms, activations, initialization."""

"""What a network costs, and what it looks like, without training it."""
